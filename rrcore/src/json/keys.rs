//! The names that each open object has used so far.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::names::{MOST_OF_ONE, Names, Number, Way};

/// An object has a member of the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duplicate;

/// Of each name only a hash is kept, under a key of our own, and some are kept as they are.
///
/// The hash is a polynomial over the integers modulo 2⁶¹ − 1, at a point that is drawn for each
/// document. Two names of up to 7·n bytes have the same hash at no more than n + 1 of 2⁶¹ points,
/// whatever they are: a document cannot aim at a collision, and a chance one among a million names
/// (1 in 10⁶) refuses a document instead of passing one.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    point: u64,
    names: Names,
    // The hashes of all open objects that have few members, but those that have a way in `names`.
    few: Vec<u64>,
    // The innermost open object, and those around it.
    object: Object,
    outer: Vec<Object>,
    // How many names of an object are remembered, while `is_limited`.
    most: usize,
    is_limited: bool,
}

#[derive(Clone, Debug)]
struct Object {
    way: Way,
    // How many hashes there were when it was opened.
    start: usize,
    // One bit for each of its hashes: most names are seen to be new at a glance.
    glance: u64,
    #[expect(clippy::box_collection, reason = "all objects are moved, and few have many names")]
    many: Option<Box<HashSet<u64, Spread>>>,
}

impl Keys {
    /// Remembers no more than `most` names of an object while it is told to.
    pub(super) fn new(most: usize) -> Self {
        // The standard library's source of randomness.
        let point = RandomState::new().hash_one(()) % PRIME;
        let object = Object::new(Way::lost(), 0);
        let (names, few, outer) = (Names::default(), Vec::new(), Vec::new());
        Self { point, names, few, object, outer, most, is_limited: false }
    }

    /// Whether it remembers a limited number of names.
    pub(super) const fn limited(&mut self, is_limited: bool) {
        self.is_limited = is_limited;
    }

    /// An object begins; whether as an element of an array.
    #[inline(always)]
    pub(super) fn open(&mut self, is_element: bool) {
        let way = self.names.inside(self.object.way, is_element);
        let object = Object::new(way, self.few.len());
        self.outer.push(std::mem::replace(&mut self.object, object));
    }

    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.few.truncate(self.object.start);
        self.object = self.outer.pop().unwrap_or_else(|| Object::new(Way::lost(), 0));
    }

    /// Inserts the name that `bytes` begin with, if it is one that objects such as the innermost
    /// had in this place before. Says how long it is, with its quotes; its colon follows.
    #[inline(always)]
    pub(super) fn insert_known(&mut self, bytes: &[u8]) -> Option<(usize, Number)> {
        self.names.follow(&mut self.object.way, bytes)
    }

    /// Inserts a name that is written as `raw`, if the innermost open object has no member of it yet,
    /// as far as is remembered.
    #[inline(always)]
    pub(super) fn insert(&mut self, raw: &[u8], name: &[u8]) -> Result<Number, Duplicate> {
        if !self.object.way.is_lost() {
            return self.insert_on_way(raw, name);
        }
        let is_new = self.insert_hash(hash(name, self.point));
        if is_new { Ok(None) } else { Err(Duplicate) }
    }

    #[inline(never)]
    fn insert_on_way(&mut self, raw: &[u8], name: &[u8]) -> Result<Number, Duplicate> {
        let way = self.object.way;
        // What has to be read in another way than byte by byte is not to be recognised by its bytes.
        let is_plain = raw.get(1..raw.len().saturating_sub(1)) == Some(name);
        let hash = hash(name, self.point);
        let mut known = if is_plain { self.names.find(way, raw) } else { None };
        if known.is_none() {
            if self.names.hashes(way).any(|it| it == hash) {
                return Err(Duplicate);
            }
            known = if is_plain { self.names.add(way, raw, hash) } else { None };
        }
        let Some((way, number)) = known else {
            self.leave_way();
            self.insert_hash(hash);
            return Ok(None);
        };
        self.object.way = way;
        Ok(number)
    }

    // From here on, the names of the innermost object are remembered one by one.
    fn leave_way(&mut self) {
        self.few.extend(self.names.hashes(self.object.way));
        self.object.way = Way::lost();
        let few = self.few.get(self.object.start..).unwrap_or_default();
        self.object.glance = few.iter().fold(0, |all, it| all | glance(*it));
    }

    #[inline(always)]
    fn insert_hash(&mut self, hash: u64) -> bool {
        let bit = glance(hash);
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

impl Object {
    const fn new(way: Way, start: usize) -> Self {
        Self { way, start, glance: 0, many: None }
    }
}

const fn glance(hash: u64) -> u64 {
    1 << (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
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
const FEW: usize = MOST_OF_ONE;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_counts_once_per_object_however_many_there_are() {
        for is_element in [false, true] {
            let mut keys = Keys::new(usize::MAX);
            keys.open(is_element);
            for turn in 0..100 {
                assert!(inserts(&mut keys, turn.to_string().as_bytes()));
                keys.open(false);
                assert!(inserts(&mut keys, b"0"), "an inner object has names of its own");
                keys.close();
            }
            for turn in 0..100 {
                assert!(!inserts(&mut keys, turn.to_string().as_bytes()));
            }
        }
    }

    #[test]
    fn names_that_look_alike_to_a_careless_hash_differ() {
        let mut keys = Keys::new(usize::MAX);
        keys.open(false);
        for zeros in 0..30 {
            for last in 0..4 {
                let name = [&vec![0; zeros][..], &[last]].concat();
                assert!(inserts(&mut keys, &name), "{zeros} {last}");
            }
        }
        assert!(inserts(&mut keys, b""));
        assert!(!inserts(&mut keys, b""));
    }

    fn inserts(keys: &mut Keys, name: &[u8]) -> bool {
        keys.insert(&[b"\"", name, b"\""].concat(), name).is_ok()
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
