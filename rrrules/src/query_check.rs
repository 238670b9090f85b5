//! What a rule asks of a request's query.

use std::collections::HashMap;
use std::fmt;

use smallvec::SmallVec;

use crate::pattern::{Pattern, Presence};
use crate::query::{Pair, Query};

/// Which names of a query a [`QueryCheck`] looks at. Case matters: in a query, `a` and `A` are
/// two names.
#[derive(Clone, Debug)]
pub struct QueryName {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Exact(Box<str>),
    Pattern(Pattern),
}

/// One condition on the query of a request.
///
/// Names and values are percent-decoded once, `+` is a space, and `&` separates. Of a name that is
/// repeated, some servers take the first value, some the last, some all: a check with a value
/// holds for a `Deny` when it holds for any of them, for an `Allow` when it holds for all.
#[derive(Clone, Debug)]
pub struct QueryCheck {
    /// Which names are looked at.
    pub name: QueryName,
    /// What their values are asked for; `None` asks for the name only. Without `=`, a value is
    /// empty. One that is not UTF-8 is read as ISO 8859-1, one character per byte.
    pub value: Option<Pattern>,
    /// Whether the check holds when something matches name and value, or when nothing does.
    pub presence: Presence,
}

impl QueryName {
    /// This name, letter by letter, decoded.
    #[must_use]
    pub fn exact(name: impl Into<Box<str>>) -> Self {
        Self { kind: Kind::Exact(name.into()) }
    }

    /// Every name that `pattern` is found in, decoded.
    #[must_use]
    pub const fn pattern(pattern: Pattern) -> Self {
        Self { kind: Kind::Pattern(pattern) }
    }

    pub(crate) const fn as_pattern(&self) -> Option<&Pattern> {
        match &self.kind {
            Kind::Exact(_) => None,
            Kind::Pattern(pattern) => Some(pattern),
        }
    }

    /// Whether each name that `other` is about is one that this is about.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (_, Kind::Exact(name)) => self.is_meant(name),
            (Kind::Pattern(pattern), Kind::Pattern(other)) => pattern.is_alike(other),
            (Kind::Exact(_), Kind::Pattern(_)) => false,
        }
    }

    fn is_meant(&self, name: &str) -> bool {
        match &self.kind {
            Kind::Exact(exact) => **exact == *name,
            Kind::Pattern(pattern) => pattern.is_match(name),
        }
    }
}

/// Such as `query parameter debug` or `query parameters named like ^role`.
impl fmt::Display for QueryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Exact(name) => write!(f, "query parameter {name}"),
            Kind::Pattern(pattern) => write!(f, "query parameters named like {pattern}"),
        }
    }
}

impl QueryCheck {
    /// Whether some server could read `query` so that the check holds: what a `Deny` asks.
    pub(crate) fn may_hold(&self, query: &Query<'_>) -> bool {
        match self.presence {
            Presence::Present => query.readings().any(|it| self.matches_some(it)),
            // Not with `+` as it is: what a form sends for `a b` would never be `a b`.
            Presence::Absent => query.splittings().any(|it| !self.matches_whole(it)),
        }
    }

    /// Whether the check holds, whichever value of a name a server takes: what an `Allow` asks.
    pub(crate) fn must_hold(&self, query: &Query<'_>) -> bool {
        match self.presence {
            Presence::Present => self.matches_whole(query.standard()),
            Presence::Absent => !query.readings().any(|it| self.matches_some(it)),
        }
    }

    /// Whether what the check says depends on values of `query`, and not on its names alone.
    pub(crate) fn asks_for_values(&self, query: &Query<'_>) -> bool {
        self.value.is_some() && query.readings().any(|it| self.meant(it).next().is_some())
    }

    /// The name that must be there for the check to hold.
    pub(crate) const fn needs(&self) -> Option<&str> {
        match (&self.name.kind, self.presence) {
            (Kind::Exact(name), Presence::Present) => Some(name),
            (Kind::Exact(_), Presence::Absent) | (Kind::Pattern(_), _) => None,
        }
    }

    // There is a value that matches.
    fn matches_some(&self, pairs: &[Pair<'_>]) -> bool {
        self.meant(pairs).any(|it| self.is_wanted(&it.value))
    }

    // There is a name of which every value matches. Takes memory only for many names.
    fn matches_whole(&self, pairs: &[Pair<'_>]) -> bool {
        let mut values = self.meant(pairs).map(|it| (&*it.name, self.is_wanted(&it.value)));
        match &self.name.kind {
            Kind::Exact(_) => values.next().is_some_and(|it| it.1) && values.all(|it| it.1),
            Kind::Pattern(_) if pairs.len() <= FEW => {
                let mut names: SmallVec<[_; FEW]> = SmallVec::new();
                for (name, is_wanted) in values {
                    match names.iter_mut().find(|it: &&mut (_, _)| it.0 == name) {
                        Some((_, all)) => *all &= is_wanted,
                        None => names.push((name, is_wanted)),
                    }
                }
                names.into_iter().any(|it| it.1)
            }
            Kind::Pattern(_) => {
                let mut names = HashMap::new();
                values
                    .for_each(|(name, is_wanted)| *names.entry(name).or_insert(true) &= is_wanted);
                names.into_values().any(|it| it)
            }
        }
    }

    fn meant<'p, 'a>(&self, pairs: &'p [Pair<'a>]) -> impl Iterator<Item = &'p Pair<'a>> {
        pairs.iter().filter(|it| self.name.is_meant(&it.name))
    }

    fn is_wanted(&self, value: &str) -> bool {
        self.value.as_ref().is_none_or(|it| it.is_match(value))
    }
}

/// So many names are looked through one by one.
const FEW: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use Presence::{Absent, Present};

    #[test]
    fn a_name_is_compared_as_it_is_after_decoding() {
        for raw in ["debug", "a=1&debug=0", "%64ebug=", "debug=1&debug=2"] {
            check(exact("debug"), None, Present, raw, (true, true));
            check(exact("debug"), None, Absent, raw, (false, false));
        }
        for raw in ["", "Debug=1", "debugs", "xdebug", "a=debug", "debug[]=1", "%2564ebug"] {
            check(exact("debug"), None, Present, raw, (false, false));
            check(exact("debug"), None, Absent, raw, (true, true));
        }
        check(pattern("(?i)^debug(\\[|$)"), None, Present, "DEBUG%5B%5D=1", (true, true));
        check(pattern("^debug"), None, Present, "a=debug", (false, false));
    }

    // Each row: what `role` is asked for, then whether a `Deny` and an `Allow` hold.
    #[test]
    fn of_several_values_a_deny_needs_one_and_an_allow_all() {
        let role = |presence, raw, expected| {
            check(exact("role"), Some("^a b$"), presence, raw, expected);
        };
        for raw in ["role=a+b", "role=a%20b", "x&role=a+b&role=a%20b", "&&role=a+b&"] {
            role(Present, raw, (true, true));
            role(Absent, raw, (false, false));
        }
        for raw in ["role=a+b&role=x", "role=x&role=a%20b", "role&role=a+b"] {
            role(Present, raw, (true, false));
            role(Absent, raw, (true, false));
        }
        for raw in ["", "role", "role=", "role=a", "role=A+b", "Role=a+b", "a+b=role", "role[]=a+b"]
        {
            role(Present, raw, (false, false));
            role(Absent, raw, (true, true));
        }
        let many = format!("{}role=a+b", "role=x&".repeat(1_000));
        role(Present, &many, (true, false));
        role(Absent, &many, (true, false));
    }

    #[test]
    fn a_name_pattern_looks_at_each_name_by_itself() {
        let roles = |presence, raw, expected| {
            check(pattern("^role"), Some("^user$"), presence, raw, expected);
        };
        roles(Present, "role=user&roles=admin", (true, true));
        roles(Present, "role=user&role=admin", (true, false));
        roles(Absent, "role=user&roles=admin", (false, false));
        roles(Absent, "role=admin&roles=admin", (true, true));
    }

    #[test]
    fn a_semicolon_may_separate_but_only_against_the_caller() {
        let role = |presence, raw, expected| {
            check(exact("role"), Some("^user$"), presence, raw, expected);
        };
        role(Present, "a=1;role=user", (true, false));
        role(Absent, "a=1;role=user", (true, false));
        role(Present, "role=user;x", (true, false));
        role(Absent, "role=user;role=admin", (true, false));
        role(Present, "a=1%3brole=user", (false, false));
        check(exact("q"), Some("^a;b$"), Present, "q=a;b", (true, true));
    }

    #[test]
    fn a_plus_may_be_a_plus_but_only_against_the_caller() {
        check(exact("q"), Some("^a\\+b$"), Present, "q=a+b", (true, false));
        check(exact("q"), Some("^a\\+b$"), Present, "q=a%2Bb", (true, true));
        check(exact("q"), Some("\\+"), Absent, "q=a+b", (true, false));
        check(exact("q"), Some("^[a-z ]+$"), Absent, "q=a+b", (false, false));
    }

    fn exact(name: &str) -> QueryName {
        QueryName::exact(name)
    }

    fn pattern(pattern: &str) -> QueryName {
        QueryName::pattern(Pattern::new(pattern, "").unwrap())
    }

    #[track_caller]
    fn check(
        name: QueryName,
        value: Option<&str>,
        presence: Presence,
        raw: &str,
        expected: (bool, bool),
    ) {
        let value = value.map(|it| Pattern::new(it, "").unwrap());
        let check = QueryCheck { name, value, presence };
        let query = Query::parse(raw).unwrap();
        assert_eq!((check.may_hold(&query), check.must_hold(&query)), expected, "{check:?} {raw}");
    }
}
