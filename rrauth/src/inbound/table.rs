//! A hash table that is made once, for look-ups that wait for memory as little as they can.

use std::hash::BuildHasher;
use std::num::NonZeroU8;

use foldhash::fast::RandomState;

use crate::inbound::digest::KeyDigest;

/// Values by digest. What is looked for among a million is in no cache, and finding its page takes as
/// long again: so a search walks over a byte a slot, and digests lie apart from values, where both are
/// fetched at once.
pub(crate) struct Table<V> {
    tags: Box<[Tag]>,
    values: Box<[Option<V>]>,
    digests: Box<[KeyDigest]>,
    len: usize,
    // A caller cannot choose a digest, but who makes many keys can choose among them.
    hasher: RandomState,
}

/// A part of a digest's hash, by which most others that are sought in its place are passed over;
/// `None`: the slot is free, and a search ends here.
type Tag = Option<NonZeroU8>;

impl<V> Table<V> {
    /// A table of these values; of several with one digest, the first, or each that `replaces` it.
    pub(crate) fn of(values: Vec<(KeyDigest, V)>, replaces: impl Fn(&V, &V) -> bool) -> Self {
        // There is always a free one.
        let slots = values.len() + values.len() / 4 + 1;
        let mut table = Self {
            tags: vec![None; slots].into(),
            values: std::iter::repeat_with(|| None).take(slots).collect(),
            digests: vec![KeyDigest::from_bytes([0; 32]); slots].into(),
            len: 0,
            hasher: RandomState::default(),
        };
        for (digest, value) in values {
            table.put(digest, value, &replaces);
        }
        table
    }

    /// The value with this digest. `ahead` is shown what might be it while the digest is on its way
    /// from memory.
    pub(crate) fn get(&self, digest: &KeyDigest, ahead: impl Fn(&V)) -> Option<&V> {
        // Where all callers show tokens.
        if self.len == 0 {
            return None;
        }
        let (mut slot, tag) = self.place(digest);
        loop {
            let found = self.tags.get(slot)?.as_ref()?;
            if *found == tag {
                let value = self.values.get(slot)?.as_ref()?;
                ahead(value);
                if self.digests.get(slot)? == digest {
                    return Some(value);
                }
            }
            slot = self.after(slot);
        }
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter().flatten()
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    fn put(&mut self, digest: KeyDigest, value: V, replaces: impl Fn(&V, &V) -> bool) {
        let (mut slot, tag) = self.place(&digest);
        loop {
            let place =
                (self.tags.get_mut(slot), self.digests.get_mut(slot), self.values.get_mut(slot));
            let (Some(found), Some(known), Some(held)) = place else { return };
            match held {
                None => {
                    (*found, *known, *held) = (Some(tag), digest, Some(value));
                    self.len += 1;
                    return;
                }
                Some(held) if *known == digest => {
                    if replaces(&value, held) {
                        *held = value;
                    }
                    return;
                }
                Some(_) => slot = self.after(slot),
            }
        }
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
            assert!((0..size).all(|it| table.get(&digest(it), |_| ()) == Some(&it)), "{size}");
            assert!(
                (size..size + 1_000).all(|it| table.get(&digest(it), |_| ()).is_none()),
                "{size}"
            );
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
        assert!((0..200).all(|it| table.get(&digest(it), |_| ()) == Some(&it)));
        assert!((200..=255).all(|it| table.get(&digest(it), |_| ()).is_none()));
    }
}
