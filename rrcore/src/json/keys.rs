//! The names that each open object has used so far.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Of each name only a hash is kept, under a key of our own.
///
/// The hash is a polynomial over the integers modulo 2⁶¹ − 1, at a point that is drawn for each
/// document. Two names of up to 7·n bytes have the same hash at no more than n + 1 of 2⁶¹ points,
/// whatever they are: a document cannot aim at a collision, and a chance one among a million names
/// (1 in 10⁶) refuses a document instead of passing one.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    point: u64,
    // The hashes of all open objects that have few members.
    few: Vec<u64>,
    // The innermost open object, and those around it.
    object: Object,
    outer: Vec<Object>,
    // How many names of an object are remembered, while `is_limited`.
    most: usize,
    is_limited: bool,
}

#[derive(Clone, Debug, Default)]
struct Object {
    // How many hashes there were when it was opened.
    start: usize,
    // One bit for each of its hashes: most names are seen to be new at a glance.
    glance: u64,
    many: Option<Box<HashSet<u64, Spread>>>,
}

impl Keys {
    /// Remembers no more than `most` names of an object while it is told to.
    pub(super) fn new(most: usize) -> Self {
        // The standard library's source of randomness.
        let point = RandomState::new().hash_one(()) % PRIME;
        let object = Object::default();
        Self { point, few: Vec::new(), object, outer: Vec::new(), most, is_limited: false }
    }

    /// Whether it remembers a limited number of names.
    pub(super) const fn limited(&mut self, is_limited: bool) {
        self.is_limited = is_limited;
    }

    #[inline(always)]
    pub(super) fn open(&mut self) {
        let object = Object { start: self.few.len(), glance: 0, many: None };
        self.outer.push(std::mem::replace(&mut self.object, object));
    }

    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.few.truncate(self.object.start);
        self.object = self.outer.pop().unwrap_or_default();
    }

    /// Whether the innermost open object has no member of this name yet, as far as is remembered.
    #[inline(always)]
    pub(super) fn insert(&mut self, name: &[u8]) -> bool {
        let hash = hash(name, self.point);
        let bit = 1 << (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
        if self.object.glance & bit != 0 || self.few.len() - self.object.start >= FEW {
            return self.look(hash);
        }
        self.object.glance |= bit;
        self.few.push(hash);
        true
    }

    fn look(&mut self, hash: u64) -> bool {
        let object = &mut self.object;
        if let Some(many) = &mut object.many {
            if self.is_limited && many.len() >= self.most {
                return !many.contains(&hash);
            }
            return many.insert(hash);
        }
        let few = self.few.get(object.start..).unwrap_or_default();
        if few.contains(&hash) {
            return false;
        }
        if few.len() < FEW {
            self.few.push(hash);
            return true;
        }
        // Beyond a few, looking through them all would make the work quadratic.
        let mut many = HashSet::with_capacity_and_hasher(8 * FEW, Spread { point: self.point });
        many.extend(few.iter().copied().chain([hash]));
        object.many = Some(Box::new(many));
        // From here on, no glance is enough.
        object.glance = u64::MAX;
        true
    }
}

// Different names are different polynomials: the first coefficient is 1, and the last tells the
// bytes and the length of what is left after whole words. The shortest names are that number alone.
#[inline(always)]
fn hash(name: &[u8], point: u64) -> u64 {
    if name.len() < WORD { short(name) } else { long(name, point) }
}

fn long(name: &[u8], point: u64) -> u64 {
    let words = name.chunks_exact(WORD);
    let rest = short(words.remainder());
    multiply(words.fold(1, |hash, it| multiply(hash, point) + word(it)), point) + rest
}

const fn word(bytes: &[u8]) -> u64 {
    match *bytes {
        [a, b, c, d, e, f, g] => u64::from_le_bytes([a, b, c, d, e, f, g, 0]),
        _ => 0,
    }
}

// Fewer than 7 bytes as one number; different for different bytes.
#[inline(always)]
fn short(bytes: &[u8]) -> u64 {
    let length = (bytes.len() as u64) << 48;
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return length
            | u64::from(u16::from_le_bytes(*last)) << 32
            | u64::from(u32::from_le_bytes(*first));
    }
    bytes.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)) | length
}

// Modulo `PRIME`, but for a few of it that may be left over: 2^62 times 2^61 gives less than 2^62.
#[inline(always)]
const fn multiply(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    let folded = (product as u64 & PRIME) + (product >> 61) as u64;
    (folded & PRIME) + (folded >> 61)
}

// How hashes lie in a table, which looks at a few of their bits: again, nothing to aim at.
#[derive(Clone, Copy, Debug)]
struct Spread {
    point: u64,
}

impl BuildHasher for Spread {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        self.write_u64(hash(bytes, self.point));
    }

    fn write_u64(&mut self, hash: u64) {
        self.point = multiply(hash, self.point);
    }

    fn finish(&self) -> u64 {
        // It takes some from the top, where these have none.
        self.point ^ self.point << 32
    }
}

const PRIME: u64 = (1 << 61) - 1;
// How many bytes are below `PRIME` whatever they are.
const WORD: usize = 7;
const FEW: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_counts_once_per_object_however_many_there_are() {
        let mut keys = Keys::new(usize::MAX);
        keys.open();
        for turn in 0..100 {
            assert!(keys.insert(turn.to_string().as_bytes()));
            keys.open();
            assert!(keys.insert(b"0"), "an inner object has names of its own");
            keys.close();
        }
        for turn in 0..100 {
            assert!(!keys.insert(turn.to_string().as_bytes()));
        }
    }

    #[test]
    fn names_that_look_alike_to_a_careless_hash_differ() {
        let mut keys = Keys::new(usize::MAX);
        keys.open();
        for zeros in 0..30 {
            for last in 0..4 {
                assert!(keys.insert(&[&vec![0; zeros][..], &[last]].concat()), "{zeros} {last}");
            }
        }
        assert!(keys.insert(b""));
        assert!(!keys.insert(b""));
    }

    proptest! {
        #[test]
        fn a_product_is_right_modulo_the_prime(a in 0..1_u64 << 62, b in 0..PRIME) {
            let product = multiply(a, b);
            prop_assert!(product < PRIME + 4);
            prop_assert_eq!(
                u128::from(product) % u128::from(PRIME),
                u128::from(a) * u128::from(b) % u128::from(PRIME)
            );
        }
    }
}
