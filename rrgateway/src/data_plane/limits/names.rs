//! What the keys of a meter are called: the counters only know hashes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rratelimit::Key;

/// The names of the keys of one meter that were seen first, up to a number of them.
#[derive(Debug, Default)]
pub struct Names {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    names: HashMap<Key, Arc<str>>,
    /// Those that were not written down yet.
    fresh: Vec<(Key, Arc<str>)>,
    /// When it was last looked for names that may go, in seconds of the wall clock.
    swept_at: u64,
}

/// A key of a meter, and what it is called.
#[derive(Clone, Debug)]
pub struct Named {
    /// The label of the meter's policy.
    pub meter: Arc<str>,
    /// The revision that made the meter.
    pub since: u64,
    pub key: Key,
    pub name: Arc<str>,
}

impl Names {
    /// With what was written down.
    pub fn restored(names: Vec<(Key, Arc<str>)>) -> Self {
        let names = names.into_iter().take(MOST).collect();
        Self { known: RwLock::new(Known { names, ..Known::default() }) }
    }

    /// Notes that `key` is called `name`, unless there is no room. Where there is none, those may go
    /// that `counts` says nothing of; asked once a second at the most, at `second`.
    pub fn note(
        &self,
        key: Key,
        second: u64,
        name: impl FnOnce() -> String,
        counts: impl Fn(Key) -> bool,
    ) {
        if self.known.read().unwrap_or_else(PoisonError::into_inner).has_no_use_for(key, second) {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have come first.
        if known.has_no_use_for(key, second) {
            return;
        }
        if known.names.len() >= MOST {
            known.swept_at = second;
            known.names.retain(|key, _| counts(*key));
        }
        if known.names.len() < MOST {
            let name: Arc<str> = name().into();
            known.fresh.push((key, Arc::clone(&name)));
            known.names.insert(key, name);
        }
    }

    /// Those that have come since this was last asked.
    pub fn fresh(&self) -> Vec<(Key, Arc<str>)> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut known.fresh)
    }

    /// All that are known.
    pub fn all(&self) -> Vec<(Key, Arc<str>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.names.iter().map(|(key, name)| (*key, Arc::clone(name))).collect()
    }
}

impl Known {
    /// Whether a key stays as it is: known, or without room that could be made in this second. Of
    /// nearly all requests, and so asked for by readers, who wait for nobody.
    fn has_no_use_for(&self, key: Key, second: u64) -> bool {
        self.names.contains_key(&key) || (self.names.len() >= MOST && self.swept_at == second)
    }
}

/// Who has a count beyond these is counted, and not listed.
const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_no_more_makes_room() {
        let names = Names::default();
        let key = |it: usize| Key::of(&[&it.to_string()]);
        let note = |it: usize, second, counts: bool| {
            names.note(key(it), second, || it.to_string(), |_| counts);
        };
        (0..MOST).for_each(|it| note(it, 1, true));
        note(MOST, 1, true);
        assert_eq!(names.all().len(), MOST);
        note(MOST, 1, false);
        assert_eq!(names.all().len(), MOST, "it was looked for in this second");
        note(MOST, 2, false);
        assert_eq!(names.all().len(), 1);
        note(MOST, 3, false);
        assert_eq!(names.all(), [(key(MOST), MOST.to_string().into())]);
    }

    #[test]
    fn what_nearly_all_requests_ask_for_needs_nobody_to_stop_reading() {
        let names = Names::default();
        let key = |it: usize| Key::of(&[&it.to_string()]);
        (0..MOST).for_each(|it| names.note(key(it), 1, || it.to_string(), |_| true));
        names.note(key(MOST), 2, String::new, |_| true);
        let reading = names.known.read().unwrap();
        names.note(key(0), 3, String::new, |_| true);
        names.note(key(MOST), 2, String::new, |_| true);
        assert_eq!(reading.names.len(), MOST);
    }
}
