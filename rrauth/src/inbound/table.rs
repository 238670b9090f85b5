//! A hash table that is made once, for look-ups that touch as little memory as they can.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::inbound::digest::KeyDigest;

/// Values by digest. What is looked for among a million is in no cache: a slot holds the whole digest
/// beside the value, and half of the slots are free, so that mostly one place in memory is read.
pub(crate) struct Table<V> {
    slots: Box<[Slot<V>]>,
    len: usize,
    // A caller cannot choose a digest, but who makes many keys can choose among them.
    hasher: RandomState,
}

type Slot<V> = Option<(KeyDigest, V)>;

impl<V> Table<V> {
    /// A table of these values; of several with one digest, the first, or each that `replaces` it.
    pub(crate) fn of(values: Vec<(KeyDigest, V)>, replaces: impl Fn(&V, &V) -> bool) -> Self {
        // One slot more: the free one where a search ends.
        let slots = (0..=values.len() * 2).map(|_| None).collect();
        let mut table = Self { slots, len: 0, hasher: RandomState::default() };
        for (digest, value) in values {
            table.put(digest, value, &replaces);
        }
        table
    }

    /// The value with this digest.
    pub(crate) fn get(&self, digest: &KeyDigest) -> Option<&V> {
        // Where all callers show tokens.
        if self.len == 0 {
            return None;
        }
        let (before, after) = self.slots.split_at_checked(self.start(digest))?;
        let mut taken = after.iter().chain(before).map_while(Option::as_ref);
        taken.find(|(known, _)| known == digest).map(|(_, it)| it)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.slots.iter().flatten().map(|(_, it)| it)
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    fn put(&mut self, digest: KeyDigest, value: V, replaces: impl Fn(&V, &V) -> bool) {
        let start = self.start(&digest);
        let Some((before, after)) = self.slots.split_at_mut_checked(start) else { return };
        let fits = |it: &&mut Slot<V>| it.as_ref().is_none_or(|(known, _)| *known == digest);
        match after.iter_mut().chain(before).find(fits) {
            Some(Some((_, held))) if replaces(&value, held) => *held = value,
            Some(free @ None) => {
                *free = Some((digest, value));
                self.len += 1;
            }
            // There is always a free one.
            Some(Some(_)) | None => {}
        }
    }

    // Where the search for a digest starts: its hash, scaled to the number of slots.
    fn start(&self, digest: &KeyDigest) -> usize {
        let scaled = u128::from(self.hasher.hash_one(digest)) * self.slots.len() as u128;
        usize::try_from(scaled >> 64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else_is() {
        for size in [0, 1, 2, 3, 7, 100, 1_000] {
            let digest = |it: usize| KeyDigest::of(it.to_string());
            let table = Table::of((0..size).map(|it| (digest(it), it)).collect(), |_, _| true);
            assert_eq!(table.len(), size);
            assert!((0..size).all(|it| table.get(&digest(it)) == Some(&it)), "{size}");
            assert!((size..size + 1_000).all(|it| table.get(&digest(it)).is_none()), "{size}");
            let mut values: Vec<_> = table.values().copied().collect();
            values.sort_unstable();
            assert!(values.into_iter().eq(0..size), "{size}");
        }
    }

    #[test]
    fn digests_that_start_alike_are_told_apart() {
        let digest = |last| {
            let mut bytes = [0; 32];
            bytes[31] = last;
            KeyDigest::from_bytes(bytes)
        };
        let table = Table::of((0..200).map(|it| (digest(it), it)).collect(), |_, _| true);
        assert!((0..200).all(|it| table.get(&digest(it)) == Some(&it)));
        assert!((200..=255).all(|it| table.get(&digest(it)).is_none()));
    }
}
