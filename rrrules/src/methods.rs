//! Which methods a rule is about.

use http::Method;

/// A set of methods, compared letter by letter (RFC 9110 §9.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Methods {
    known: u16,
    others: Vec<Box<str>>,
}

/// What the index sorts requests by: each method that is known by name, and all others together.
pub(crate) const KINDS: usize = KNOWN.len() + 1;

const KNOWN: [&str; 9] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"];

impl Methods {
    pub(crate) fn of(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut methods = Self::default();
        for name in names {
            let name = name.as_ref();
            match kind(name) {
                Some(kind) => methods.known |= 1 << kind,
                None => methods.others.push(name.into()),
            }
        }
        methods
    }

    /// An empty set asks for nothing.
    pub(crate) fn is_any(&self) -> bool {
        self.known == 0 && self.others.is_empty()
    }

    /// Whether `method`, which is of `kind`, is in it.
    pub(crate) fn contains(&self, method: &Method, kind: usize) -> bool {
        match kind < KNOWN.len() {
            true => self.known & 1 << kind != 0,
            false => self.others.iter().any(|it| **it == *method.as_str()),
        }
    }

    /// Whether a method of this kind may be in it.
    pub(crate) fn may_contain(&self, kind: usize) -> bool {
        let is_known = kind < KNOWN.len();
        self.is_any()
            || (is_known && self.known & 1 << kind != 0)
            || (!is_known && !self.others.is_empty())
    }

    /// Whether all methods of `other` are in it.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        self.is_any()
            || (!other.is_any()
                && other.known & !self.known == 0
                && other.others.iter().all(|it| self.others.contains(it)))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let known = KNOWN.iter().enumerate().filter(|(kind, _)| self.known & 1 << kind != 0);
        known.map(|(_, name)| *name).chain(self.others.iter().map(|it| &**it))
    }
}

/// Which kind `method` is of, below [`KINDS`].
pub(crate) fn kind_of(method: &Method) -> usize {
    kind(method.as_str()).unwrap_or(KNOWN.len())
}

fn kind(name: &str) -> Option<usize> {
    KNOWN.iter().position(|it| *it == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_compared_letter_by_letter() {
        let methods = Methods::of(["DELETE", "PURGE"]);
        for (name, expected) in [
            ("DELETE", true),
            ("PURGE", true),
            ("delete", false),
            ("purge", false),
            ("GET", false),
            ("LOCK", false),
        ] {
            let method = Method::from_bytes(name.as_bytes()).unwrap();
            assert_eq!(methods.contains(&method, kind_of(&method)), expected, "{name}");
            assert!(!expected || methods.may_contain(kind_of(&method)));
        }
        assert!(!methods.may_contain(kind_of(&Method::GET)));
        assert!(Methods::default().is_any() && Methods::default().may_contain(3));
        assert_eq!(methods.names().collect::<Vec<_>>(), ["DELETE", "PURGE"]);
    }

    #[test]
    fn a_set_includes_what_has_no_more_than_it() {
        let of = |names: &[&str]| Methods::of(names);
        assert!(of(&["GET", "PURGE"]).includes(&of(&["PURGE"])));
        assert!(!of(&["PURGE"]).includes(&of(&["GET", "PURGE"])));
        assert!(of(&[]).includes(&of(&["GET"])) && !of(&["GET"]).includes(&of(&[])));
    }
}
