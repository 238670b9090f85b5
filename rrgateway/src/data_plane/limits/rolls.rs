//! What the keys of all meters are called.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rratelimit::Key;

use crate::data_plane::limits::names::{Named, Names};

/// The names of keys, for all meters that there are: they outlive a revision, as the counts do.
/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rolls {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    names: HashMap<Id, Arc<Names>>,
    /// Of meters that nobody has asked for since the start.
    stored: HashMap<Id, Vec<(Key, Arc<str>)>>,
}

/// The label of a meter's policy, and the revision that made it.
type Id = (Arc<str>, u64);

impl Rolls {
    /// With what was written down.
    pub fn restored(names: Vec<Named>) -> Self {
        let mut stored: HashMap<_, Vec<_>> = HashMap::new();
        for Named { meter, since, key, name } in names {
            stored.entry((meter, since)).or_default().push((key, name));
        }
        Self { inner: Arc::new(Mutex::new(Inner { names: HashMap::new(), stored })) }
    }

    /// Those of the meter with this label, made in revision `since`.
    pub fn of(&self, label: Arc<str>, since: u64) -> Arc<Names> {
        let Inner { names, stored } = &mut *self.lock();
        // Of those that nobody uses any more, nobody will ask.
        names.retain(|_, it| Arc::strong_count(it) > 1);
        let id = (label, since);
        let stored = stored.remove(&id).unwrap_or_default();
        Arc::clone(names.entry(id).or_insert_with(|| Arc::new(Names::restored(stored))))
    }

    /// The names that have come since this was last asked.
    pub fn fresh(&self) -> Vec<Named> {
        let inner = self.lock();
        let of_meter = |((meter, since), names): (&Id, &Arc<Names>)| {
            let named = |(key, name)| Named { meter: Arc::clone(meter), since: *since, key, name };
            names.fresh().into_iter().map(named).collect::<Vec<_>>()
        };
        inner.names.iter().flat_map(of_meter).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
