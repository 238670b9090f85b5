//! What a rule asks of a request's headers.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderName, HeaderValue};

use crate::header_names::Mark;
use crate::pattern::{Pattern, PatternError, Presence};
use crate::subject::Reading;

/// Which headers a [`HeaderCheck`] looks at. Case never matters, and `-` and `_` are alike:
/// many servers behind a gateway fold both to one name.
#[derive(Clone, Debug)]
pub struct NameMatch {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Exact(HeaderName, Mark),
    Pattern(Pattern),
}

/// One condition on the headers of a request.
#[derive(Clone, Debug)]
pub struct HeaderCheck {
    /// Which headers are looked at.
    pub name: NameMatch,
    /// What their values are asked for; `None` asks for the name only.
    ///
    /// Matches when one line does, or all lines joined by a comma, with and without a space. A
    /// value that is not UTF-8 is read as ISO 8859-1, one character per byte.
    pub value: Option<Pattern>,
    /// Whether the check holds when a value matches, or when none does.
    pub presence: Presence,
}

impl NameMatch {
    /// The header of this name.
    #[must_use]
    pub fn exact(name: HeaderName) -> Self {
        let folded = name.as_str().replace('_', "-");
        // What is a name is one with dashes too.
        let name = folded.parse().unwrap_or(name);
        let mark = Mark::of(&name);
        Self { kind: Kind::Exact(name, mark) }
    }

    /// Every header whose name `pattern` is found in; in any case, whatever the `flags`.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn pattern(pattern: &str, flags: &str) -> Result<Self, PatternError> {
        Self::found_by(Pattern::new(pattern, &format!("{flags}i"))?)
    }

    /// Every header whose name `pattern` is found in; in any case, whatever its flags. A pattern
    /// that has the flag `i` is shared, and any other compiled anew.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn found_by(pattern: Pattern) -> Result<Self, PatternError> {
        Ok(Self { kind: Kind::Pattern(pattern.in_any_case()?) })
    }

    pub(crate) const fn as_pattern(&self) -> Option<&Pattern> {
        match &self.kind {
            Kind::Exact(..) => None,
            Kind::Pattern(pattern) => Some(pattern),
        }
    }

    /// Whether each name that `other` is about is one that this is about.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Exact(name, _), Kind::Exact(other, _)) => name == other,
            (Kind::Pattern(pattern), Kind::Exact(name, _)) => is_found(pattern, name.as_str()),
            (Kind::Pattern(pattern), Kind::Pattern(other)) => pattern.is_alike(other),
            (Kind::Exact(..), Kind::Pattern(_)) => false,
        }
    }
}

/// Such as `header x-a` or `headers named like ^x-`.
impl fmt::Display for NameMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Exact(name, _) => write!(f, "header {name}"),
            Kind::Pattern(pattern) => write!(f, "headers named like {pattern}"),
        }
    }
}

impl HeaderCheck {
    pub(crate) fn holds(&self, reading: &Reading<'_>) -> bool {
        self.presence.holds(self.finds(reading))
    }

    /// The name that must be there for the check to hold, in its spelling with dashes.
    pub(crate) const fn needs(&self) -> Option<&HeaderName> {
        match (&self.name.kind, self.presence) {
            (Kind::Exact(name, _), Presence::Present) => Some(name),
            (Kind::Exact(..), Presence::Absent) | (Kind::Pattern(_), _) => None,
        }
    }

    fn finds(&self, reading: &Reading<'_>) -> bool {
        let headers = reading.subject().headers;
        match &self.name.kind {
            // One name in several spellings is one header to whoever folds them.
            Kind::Exact(name, _) if reading.names().have_underscores() => self.asks_for(|| {
                headers.iter().filter(|(it, _)| is_alike(it, name)).map(|(_, line)| line)
            }),
            Kind::Exact(_, mark) if !reading.names().may_have(*mark) => false,
            Kind::Exact(name, _) => {
                let lines = headers.get_all(name);
                self.asks_for(|| lines.iter())
            }
            Kind::Pattern(pattern) => headers
                .keys()
                .filter(|name| is_found(pattern, name.as_str()))
                .any(|name| self.asks_for(|| headers.get_all(name).iter())),
        }
    }

    fn asks_for<'a, I>(&self, lines: impl Fn() -> I) -> bool
    where
        I: Iterator<Item = &'a HeaderValue>,
    {
        let Some(value) = &self.value else { return lines().next().is_some() };
        let mut found = lines();
        if let (Some(line), None) = (found.next(), found.next())
            && value.shuts_out(line.as_bytes())
        {
            return false;
        }
        let texts = || lines().map(|line| text(line.as_bytes()));
        if texts().any(|line| value.is_match(&line)) {
            return true;
        }
        let is_one_line = texts().nth(1).is_none();
        !is_one_line
            && [", ", ","]
                .iter()
                .any(|comma| value.is_match(&texts().collect::<Vec<_>>().join(comma)))
    }
}

fn is_alike(a: &HeaderName, b: &HeaderName) -> bool {
    let [a, b] = [a, b].map(|it| it.as_str().bytes().map(|it| if it == b'_' { b'-' } else { it }));
    a.eq(b)
}

fn is_found(pattern: &Pattern, name: &str) -> bool {
    pattern.is_match(name)
        || is_found_with(pattern, name, b'_', b'-')
        || is_found_with(pattern, name, b'-', b'_')
}

// Most names have a dash in them and are short: those are respelled without an allocation.
fn is_found_with(pattern: &Pattern, name: &str, from: u8, to: u8) -> bool {
    if !name.as_bytes().contains(&from) {
        return false;
    }
    let respelled = name.bytes().map(|it| if it == from { to } else { it });
    let mut short = [0; 64];
    let Some(short) = short.get_mut(..name.len()) else {
        return pattern.is_match(&respelled.map(char::from).collect::<String>());
    };
    short.iter_mut().zip(respelled).for_each(|(to, it)| *to = it);
    // A name is ASCII, and so is its other spelling.
    std::str::from_utf8(short).is_ok_and(|it| pattern.is_match(it))
}

// A byte that is no character would end every `.*`, and hide what follows from the pattern.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::path::CanonicalPath;
    use crate::subject::Subject;
    use Presence::{Absent, Present};

    #[test]
    fn a_name_is_seen_in_every_spelling() {
        let name = || exact("x-debug");
        check(name(), None, Present, &[("x-debug", b"")], true);
        check(name(), None, Present, &[("X-Debug", b"")], true);
        check(exact("X_Debug"), None, Present, &[("x-debug", b"")], true);
        check(name(), None, Present, &[("x-debugs", b"")], false);
        check(name(), None, Absent, &[("x_debug", b"1")], false);
        check(name(), None, Absent, &[("connection", b"x-debug"), ("x-debug", b"1")], false);
        check(name(), None, Absent, &[], true);
        check(pattern("^X-De"), None, Present, &[("x_debug", b"1")], true);
        check(pattern("^x_de"), None, Present, &[("x-debug", b"1")], true);
        check(pattern("^bug"), None, Present, &[("x-debug", b"1")], false);
        let long = format!("x-{}_b", "a".repeat(64));
        check(pattern("a-b$"), None, Present, &[(&long, b"1")], true);
        check(pattern("^x_a.*a_b$"), None, Present, &[(&long, b"1")], true);
    }

    #[test]
    fn a_value_is_seen_line_by_line_and_joined() {
        let lines: &[(&str, &[u8])] = &[("x-a", b"one"), ("x-a", b"two")];
        check(exact("x-a"), Some("^two$"), Present, lines, true);
        check(exact("x-a"), Some("^one, two$"), Present, lines, true);
        check(exact("x-a"), Some("^one,two$"), Present, lines, true);
        check(pattern("^x-"), Some("^one,two$"), Present, lines, true);
        check(exact("x-a"), Some("^three$"), Present, lines, false);
        check(exact("x-a"), Some("^three$"), Absent, lines, true);
        check(exact("x-a"), Some("two"), Absent, lines, false);
        check(exact("x-a"), Some("^a,b$"), Present, &[("x-a", b"a"), ("x_a", b"b")], true);
        check(exact("x-a"), Some("^$"), Present, &[("x-a", b"")], true);
        check(exact("x-a"), Some("^$"), Present, &[], false);
    }

    #[test]
    fn bytes_that_are_not_text_hide_nothing() {
        check(exact("x-a"), Some("evil"), Present, &[("x-a", b"\xffevil")], true);
        check(exact("x-a"), Some("^.*evil$"), Present, &[("x-a", b"\xc3\xff evil")], true);
        check(exact("x-a"), Some("^\\xff"), Present, &[("x-a", b"\xff")], true);
        check(exact("x-a"), Some("^é$"), Present, &[("x-a", "é".as_bytes())], true);
    }

    fn exact(name: &str) -> NameMatch {
        NameMatch::exact(name.parse().unwrap())
    }

    fn pattern(pattern: &str) -> NameMatch {
        NameMatch::pattern(pattern, "").unwrap()
    }

    #[track_caller]
    fn check(
        name: NameMatch,
        value: Option<&str>,
        presence: Presence,
        lines: &[(&str, &[u8])],
        expected: bool,
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        let value = value.map(|it| Pattern::new(it, "").unwrap());
        let check = HeaderCheck { name, value, presence };
        let subject = Subject {
            method: &http::Method::GET,
            path: &CanonicalPath::parse("/").unwrap(),
            query: None,
            headers: &headers,
            body: &bytes::Bytes::new(),
        };
        assert_eq!(check.holds(&Reading::new(subject)), expected, "{check:?} {headers:?}");
    }
}
