//! How things are called in the store.

use std::collections::hash_map::RandomState;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};

use super::leases::LeaseId;
use crate::key::Key;

/// All names of a client have one hash tag, so that they are on one node of a cluster, where one
/// script can decide about all of them.
#[derive(Debug)]
pub(crate) struct Names {
    prefix: String,
    node: String,
}

impl Names {
    /// The names of `client`, for a node that nobody has met before.
    pub(crate) fn new(client: &str) -> Self {
        let random = || RandomState::new().build_hasher().finish();
        // A brace would end the tag.
        let client = match client {
            // An empty tag is none.
            "" => "-".to_owned(),
            client => client.replace('}', "%7D"),
        };
        Self {
            prefix: format!("rr:{{{client}}}:"),
            node: format!("{:016x}{:016x}", random(), random()),
        }
    }

    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Those nodes that are alive.
    pub(crate) fn nodes(&self) -> Vec<u8> {
        format!("{}nodes", self.prefix).into_bytes()
    }

    /// Under which seed they make their keys.
    pub(crate) fn seed(&self) -> Vec<u8> {
        format!("{}seed", self.prefix).into_bytes()
    }

    /// Tells seeds apart, without saying what they are.
    pub(crate) fn which_seed(&self) -> Vec<u8> {
        let key = Key::of(&["rratelimit: which seed", &self.prefix]);
        format!("{:032x}", u128::from_be_bytes(key.to_bytes())).into_bytes()
    }

    /// What this node has told so far, of what is to be done once.
    pub(crate) fn told(&self) -> Vec<u8> {
        format!("{}told:{}", self.prefix, self.node).into_bytes()
    }

    /// What a key has spent of a limit.
    pub(crate) fn of(&self, id: LeaseId) -> Vec<u8> {
        let mut name = String::with_capacity(self.prefix.len() + 49);
        name.push_str(&self.prefix);
        let key = u128::from_be_bytes(id.key.to_bytes());
        // Writing to a string does not fail.
        _ = write!(name, "{key:032x}:{:016x}", id.limit);
        name.into_bytes()
    }

    pub(crate) fn permit(&self, number: u64) -> Vec<u8> {
        format!("{}:{number}", self.node).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_of_a_client_have_one_hash_tag() {
        for (client, tag) in [("acme", "{acme}"), ("", "{-}"), ("a}b", "{a%7Db}")] {
            let names = Names::new(client);
            let id = LeaseId { key: Key::of(&["alice"]), limit: 1 };
            for name in [names.nodes(), names.seed(), names.told(), names.of(id)] {
                let name = String::from_utf8(name).unwrap();
                let (start, end) = (name.find('{').unwrap(), name.find('}').unwrap());
                assert_eq!(&name[start..=end], tag);
            }
        }
    }

    #[test]
    fn no_two_nodes_have_one_name() {
        assert_ne!(Names::new("a").permit(1), Names::new("a").permit(1));
    }
}
