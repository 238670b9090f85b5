//! A hash table that is made once, for look-ups that wait for memory as little as they can.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Known;
use std::hash::BuildHasher;
use std::num::NonZeroU8;
use std::sync::Arc;

use foldhash::fast::RandomState;
use prefetch_index::prefetch_index;

use crate::inbound::credential::Credential;
use crate::inbound::digest::KeyDigest;
use crate::inbound::page::{Entry, Hold, Pages};
use crate::inbound::shared::SharedCredential;

/// Credentials by digest. What is looked for among a million is in no cache, and finding its page of
/// memory takes as long again: so a search walks over a byte a slot, and finds digest and credential
/// beside each other. Most lie where the search for them starts, so that all of it can be asked for before
/// the search is made.
pub(crate) struct Table<T> {
    tags: Box<[Tag]>,
    pages: Pages<T>,
    len: usize,
    // A caller cannot choose a digest, but who makes many keys can choose among them.
    hasher: RandomState,
}

/// A part of a digest's hash, by which most others that are sought in its place are passed over;
/// `None`: the slot is free, and a search ends here.
type Tag = Option<NonZeroU8>;

/// A credential that was found, where it lies.
pub(crate) struct Found<'a, T> {
    hold: &'a Arc<Hold<T>>,
    at: u32,
    pub(crate) credential: &'a Credential<T>,
}

impl<T> Found<'_, T> {
    /// The same, to keep.
    pub(crate) fn share(&self) -> SharedCredential<T> {
        SharedCredential::listed(Arc::clone(self.hold), self.at)
    }
}

impl<T> Table<T> {
    /// A table of these; of several with one digest, the first, or each that `replaces` it.
    pub(crate) fn of(
        credentials: Vec<(KeyDigest, Credential<T>)>,
        replaces: impl Fn(&Credential<T>, &Credential<T>) -> bool,
    ) -> Self {
        let mut known = HashMap::with_capacity(credentials.len());
        for (digest, credential) in credentials {
            match known.entry(digest) {
                Known::Vacant(free) => _ = free.insert(credential),
                Known::Occupied(mut held) if replaces(&credential, held.get()) => {
                    held.insert(credential);
                }
                Known::Occupied(_) => {}
            }
        }
        // There is always a free one.
        let slots = known.len() + known.len() / 4 + 1;
        let mut table = Self {
            tags: vec![None; slots].into(),
            pages: Pages::new(0, |_| None),
            len: known.len(),
            hasher: RandomState::default(),
        };
        let mut placed = Vec::with_capacity(known.len());
        // First all that can lie where their search starts, then those whose place is taken.
        let mut late = Vec::new();
        for it in known {
            let (home, tag) = table.place(&it.0);
            match table.tags.get_mut(home) {
                Some(free @ None) => {
                    *free = Some(tag);
                    placed.push((home, it));
                }
                Some(Some(_)) | None => late.push((home, tag, it)),
            }
        }
        for (home, tag, it) in late {
            let slot = table.free_from(home);
            table.tags.get_mut(slot).into_iter().for_each(|free| *free = Some(tag));
            placed.push((slot, it));
        }
        placed.sort_unstable_by_key(|it| it.0);
        let mut left = placed.into_iter().peekable();
        table.pages = Pages::new(slots, |slot| left.next_if(|it| it.0 == slot).map(|it| it.1));
        table
    }

    /// Asks for the memory that a search for `digest` starts with.
    pub(crate) fn prefetch(&self, digest: &KeyDigest) {
        let (slot, _) = self.place(digest);
        prefetch_index(&self.tags, slot);
        self.pages.prefetch(slot);
    }

    /// The credential with this digest.
    pub(crate) fn get(&self, digest: &KeyDigest) -> Option<Found<'_, T>> {
        // Where all callers show tokens.
        if self.len == 0 {
            return None;
        }
        let (mut slot, tag) = self.place(digest);
        loop {
            let found = self.tags.get(slot)?.as_ref()?;
            if *found == tag {
                let Entry { digest: known, credential } = self.pages.entry(slot)?;
                if known == digest {
                    let (hold, at) = self.pages.hold(slot)?;
                    return Some(Found { hold, at, credential });
                }
            }
            slot = self.after(slot);
        }
    }

    pub(crate) fn credentials(&self) -> impl Iterator<Item = SharedCredential<T>> {
        let all = (0..self.tags.len()).filter(|slot| self.pages.entry(*slot).is_some());
        let all = all.filter_map(|slot| self.pages.hold(slot));
        all.map(|(hold, at)| SharedCredential::listed(Arc::clone(hold), at))
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    // Where the search for a digest starts: its hash, scaled to the number of slots. What the hash ends
    // in has no part in that.
    fn place(&self, digest: &KeyDigest) -> (usize, NonZeroU8) {
        let hash = self.hasher.hash_one(digest);
        let scaled = u128::from(hash) * self.tags.len() as u128;
        let [tag, ..] = hash.to_le_bytes();
        (usize::try_from(scaled >> 64).unwrap_or_default(), NonZeroU8::MIN | tag)
    }

    const fn after(&self, slot: usize) -> usize {
        if slot + 1 < self.tags.len() { slot + 1 } else { 0 }
    }

    fn free_from(&self, mut slot: usize) -> usize {
        while let Some(Some(_)) = self.tags.get(slot) {
            slot = self.after(slot);
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::credential::Kind;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else_is() {
        for size in [0, 1, 2, 3, 7, 100, 1_000, 5_000] {
            let digest = |it: usize| KeyDigest::of(it.to_string());
            let table = table((0..size).map(|it| (digest(it), it)));
            assert_eq!(table.len(), size);
            (0..size + 1_000).for_each(|it| table.prefetch(&digest(it)));
            assert!((0..size).all(|it| found(&table, &digest(it)) == Some(it)), "{size}");
            assert!((size..size + 1_000).all(|it| table.get(&digest(it)).is_none()), "{size}");
            let mut all: Vec<_> = table.credentials().map(|it| it.caller).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..size), "{size}");
        }
    }

    #[test]
    fn digests_that_start_alike_are_told_apart() {
        let digest = |last| {
            let mut bytes = [0; 32];
            bytes[31] = last;
            KeyDigest::from_bytes(bytes)
        };
        let table = table((0..200).map(|it| (digest(it), usize::from(it))));
        assert!((0..200).all(|it| found(&table, &digest(it)) == Some(it.into())));
        assert!((200..=255).all(|it| table.get(&digest(it)).is_none()));
    }

    #[test]
    fn what_is_kept_outlives_the_table() {
        let digest = KeyDigest::of("key");
        let table = table([(digest, 7)]);
        let kept = table.get(&digest).unwrap().share();
        drop(table);
        assert_eq!((kept.caller, &*kept.id), (7, "7"));
    }

    fn table(all: impl IntoIterator<Item = (KeyDigest, usize)>) -> Table<usize> {
        let credential = |it: usize| Credential::new(it.to_string(), "s", Kind::ApiKey, it);
        let all = all.into_iter().map(|(digest, it)| (digest, credential(it)));
        Table::of(all.collect(), |_, _| true)
    }

    // What `get` finds, and that it is what would be kept.
    fn found(table: &Table<usize>, digest: &KeyDigest) -> Option<usize> {
        let found = table.get(digest)?;
        assert_eq!(found.share().caller, found.credential.caller);
        Some(found.credential.caller)
    }
}
