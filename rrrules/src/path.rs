//! The one reading of a request path that rules judge and the upstream gets.

use std::fmt;
use std::sync::Arc;

use crate::path_error::{PathError, PathErrorKind};
use crate::segment::{Segment, hex, is_plain};

/// A path with one reading: what rules judge is what every server behind them reads.
///
/// Starts with `/`; without dot segments and doubled slashes; escapes only what must be escaped,
/// in upper-case hexadecimal. A slash at the end stays, and so do parameters (`;v=1`) and escaped
/// delimiters (`%3A`), because they may mean something else without. Cheap to clone.
///
/// ```
/// use rrrules::{CanonicalPath, PathErrorKind};
///
/// let path = CanonicalPath::parse("/public//x/%2e%2e/%7euser/caf%c3%a9/").unwrap();
/// assert_eq!(path.as_str(), "/public/~user/caf%C3%A9/");
///
/// let error = CanonicalPath::parse("/public/..;/admin").unwrap_err();
/// assert_eq!(error.kind(), PathErrorKind::DisguisedDots);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CanonicalPath {
    text: Arc<str>,
}

impl CanonicalPath {
    /// Makes the path of a URL canonical: what stands before `?`, as it was sent.
    ///
    /// Decodes once, merges slashes, then resolves dot segments (RFC 3986 §6.2.2 and §5.2.4).
    /// Parsing what this gave changes nothing.
    ///
    /// # Errors
    /// When servers would read the path in different ways: see [`PathErrorKind`].
    pub fn parse(raw: &str) -> Result<Self, PathError> {
        if is_canonical(raw) {
            return Ok(Self { text: raw.into() });
        }
        let rest = raw.strip_prefix('/').ok_or(PathErrorKind::NotAbsolute)?;
        let mut names = Vec::new();
        let mut ends_in_slash = true;
        for segment in rest.split('/') {
            ends_in_slash = match Segment::parse(segment)? {
                Segment::Here => true,
                Segment::Up => names.pop().map(|_| true).ok_or(PathErrorKind::AboveRoot)?,
                Segment::Name(name) => {
                    names.push(name);
                    false
                }
            };
        }
        let mut text = String::with_capacity(raw.len());
        for name in &names {
            text.push('/');
            text.push_str(name);
        }
        if ends_in_slash {
            text.push('/');
        }
        Ok(Self { text: text.into() })
    }

    /// The path as text, all ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn other_readings(&self) -> Vec<String> {
        self.decoded().into_iter().collect()
    }

    /// What a server sees that decodes every escape; `None` where there is none.
    pub(crate) fn decoded(&self) -> Option<String> {
        if !self.text.contains('%') {
            return None;
        }
        let mut decoded = Vec::with_capacity(self.text.len());
        let mut bytes = self.text.bytes();
        while let Some(byte) = bytes.next() {
            let mut digit = || bytes.next().and_then(hex).unwrap_or_default();
            decoded.push(if byte == b'%' { digit() << 4 | digit() } else { byte });
        }
        // Nothing is lost: a canonical path has whole escapes of whole characters.
        Some(String::from_utf8_lossy(&decoded).into_owned())
    }
}

// Most paths, which then cost one look and one copy. May say no to a canonical path.
fn is_canonical(raw: &str) -> bool {
    raw.starts_with('/')
        && !raw.contains("//")
        && !raw.contains("/.")
        && raw.bytes().all(|it| it == b'/' || is_plain(it))
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dot_segments_are_resolved_in_every_spelling() {
        check("/", Ok("/"));
        check("/a/./b", Ok("/a/b"));
        check("/a/%2e%2E/b", Ok("/b"));
        check("/a/.%2e/b/.", Ok("/b/"));
        check("/a/b/..", Ok("/a/"));
        check("/a/..", Ok("/"));
        check("/.well-known/...", Ok("/.well-known/..."));
    }

    #[test]
    fn slashes_merge_before_dots_are_resolved_and_a_last_one_stays() {
        check("//a///b//", Ok("/a/b/"));
        check("/a//../b", Ok("/b"));
        check("/a/.//./", Ok("/a/"));
        check("/a", Ok("/a"));
    }

    #[test]
    fn a_character_has_one_spelling_unless_it_is_a_delimiter() {
        check("/%61%2D%7e", Ok("/a-~"));
        check("/caf%c3%a9%20x", Ok("/caf%C3%A9%20x"));
        check("/a|b[0]", Ok("/a%7Cb%5B0%5D"));
        check("/a%7cb%5b0%5d", Ok("/a%7Cb%5B0%5D"));
        check("/a:b;v=1,2", Ok("/a:b;v=1,2"));
        check("/a%3ab%3bv", Ok("/a%3Ab%3Bv"));
        check("/;/a/;", Ok("/;/a/;"));
        check("/a%23b%3f", Ok("/a%23b%3F"));
    }

    #[test]
    fn what_has_no_single_reading_is_refused() {
        use PathErrorKind::*;
        refuse(&["", "a", "*", "http://a/"], NotAbsolute);
        refuse(&["/..", "/a/../..", "/a/%2e%2e//../b"], AboveRoot);
        refuse(&["/%", "/%2", "/%zz", "/%%32%65", "/%u002e", "/%+1"], BadPercent);
        refuse(&["/%25", "/%252e%252e/", "/%2561"], EncodedPercent);
        refuse(&["/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b"], Slash);
        refuse(&["/%00", "/a%0d%0aX", "/%7f", "/%c2%85", "/a b", "/\t", "/\0"], Control);
        refuse(&["/café", "/．．/"], NotAscii);
        refuse(&["/%ff", "/%c0%ae", "/%e0%80%af", "/%ed%a0%80", "/%c3a%a9"], NotUtf8);
        refuse(&["/%ef%bc%8e%ef%bc%8e/", "/%ef%bc%8f", "/%ef%bc%bc", "/%e2%80%a5"], Lookalike);
        refuse(&["/%e2%88%95", "/%e2%81%84"], Lookalike);
        refuse(&["/..;/", "/..;x=1/", "/.;/", "/%2e%2e%3b/", "/..;"], DisguisedDots);
        refuse(&["/..%20/", "/%20.%20./", "/..%e2%80%8b/", "/..%ef%bb%bf"], DisguisedDots);
        refuse(&["/a?b", "/a#b"], Delimiter);
    }

    #[test]
    fn an_error_shows_nothing_of_the_path() {
        let error = CanonicalPath::parse("/secret%zz").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn parsing_a_canonical_path_changes_nothing(
            raw in "(/|//|/\\.|\\.|%2e|%2E|[a-zA-Z;:@|^]|%[2-7][0-9a-fA-F]|%c3%a9|%E2%82%AC){0,24}",
        ) {
            if let Ok(once) = CanonicalPath::parse(&format!("/{raw}")) {
                prop_assert_eq!(&CanonicalPath::parse(once.as_str()).unwrap(), &once);
                prop_assert!(once.as_str().bytes().all(|it| it.is_ascii_graphic()));
                prop_assert!(!once.as_str().split('/').any(|it| matches!(it, "." | "..")));
                prop_assert!(!once.as_str().contains("//"));
            }
        }

        #[test]
        fn no_text_makes_it_panic(raw in "\\PC*|/\\PC*|(/|%|[.;]|\\PC){0,40}") {
            _ = CanonicalPath::parse(&raw);
        }

        // The short cut must agree with the long way, which `/./` forces.
        #[test]
        fn a_path_that_looks_canonical_is(raw in "(/[a-z0-9~_.;=@%-]{0,4}){1,6}") {
            if is_canonical(&raw) {
                let long_way = CanonicalPath::parse(&format!("/.{raw}")).unwrap();
                prop_assert_eq!(long_way.as_str(), raw);
            }
        }
    }

    #[track_caller]
    fn check(raw: &str, expected: Result<&str, PathErrorKind>) {
        let parsed = CanonicalPath::parse(raw);
        let actual = parsed.as_ref().map(CanonicalPath::as_str).map_err(PathError::kind);
        assert_eq!(actual, expected, "{raw}");
    }

    #[track_caller]
    fn refuse(raws: &[&str], expected: PathErrorKind) {
        for raw in raws {
            check(raw, Err(expected));
        }
    }
}
