//! The names that each open object has used so far.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// The names of a few members are kept as they are. Those of many are kept as 64-bit hashes under a
/// key of our own: a document cannot aim at a collision, and a chance one among a million names
/// (1 in 10⁷) refuses a document instead of passing one.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    hasher: RandomState,
    objects: Vec<Object>,
    // Of all open objects that have few members, one name after the other.
    names: Vec<u8>,
    // Where each of them ends.
    ends: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Object {
    // How many bytes and names there were when it was opened.
    names: usize,
    ends: usize,
    many: Option<HashSet<u64>>,
}

impl Keys {
    pub(super) fn open(&mut self) {
        let (names, ends) = (self.names.len(), self.ends.len());
        self.objects.push(Object { names, ends, many: None });
    }

    pub(super) fn close(&mut self) {
        if let Some(object) = self.objects.pop() {
            self.names.truncate(object.names);
            self.ends.truncate(object.ends);
        }
    }

    /// Whether the innermost open object has no member of this name yet.
    pub(super) fn insert(&mut self, name: &str) -> bool {
        let Some(object) = self.objects.last_mut() else { return false };
        if let Some(many) = &mut object.many {
            return many.insert(self.hasher.hash_one(name.as_bytes()));
        }
        let mut start = object.names;
        let ends = self.ends.get(object.ends..).unwrap_or_default();
        let mut few = ends.iter().map(|end| {
            let name = self.names.get(start..*end).unwrap_or_default();
            start = *end;
            name
        });
        // Beyond a few, looking through them all would make the work quadratic.
        if ends.len() == FEW {
            let mut many: HashSet<_> = few.map(|it| self.hasher.hash_one(it)).collect();
            self.names.truncate(object.names);
            self.ends.truncate(object.ends);
            let is_new = many.insert(self.hasher.hash_one(name.as_bytes()));
            object.many = Some(many);
            return is_new;
        }
        if few.any(|it| it == name.as_bytes()) {
            return false;
        }
        self.names.extend_from_slice(name.as_bytes());
        self.ends.push(self.names.len());
        true
    }
}

const FEW: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_once_per_object_however_many_there_are() {
        let mut keys = Keys::default();
        keys.open();
        for turn in 0..100 {
            assert!(keys.insert(&turn.to_string()));
            keys.open();
            assert!(keys.insert("0"), "an inner object has names of its own");
            keys.close();
        }
        for turn in 0..100 {
            assert!(!keys.insert(&turn.to_string()));
        }
    }
}
