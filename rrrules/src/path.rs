//! The one reading of a request path that rules judge and the upstream gets.

use std::fmt;
use std::sync::Arc;

use crate::path_error::{PathError, PathErrorKind};
use crate::path_options::{DuplicateSlashes, PathOptions};
use crate::reading::other_readings;
use crate::segment::{Segment, is_plain};

/// A path with one reading: what rules judge is what every server behind them reads.
///
/// Starts with `/`; without dot segments and, unless [`PathOptions`] keep them, doubled slashes;
/// escapes only what must be escaped, in upper-case hexadecimal. A slash at the end stays, and so do
/// parameters (`;v=1`) and escaped delimiters (`%3A`), because they may mean something else without.
/// So does the case of letters. Cheap to clone.
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
        Self::parse_with(raw, PathOptions::strict())
    }

    /// Like [`parse`](Self::parse), for an API that needs what `options` keep.
    ///
    /// Parsing what this gave, with the same options, changes nothing.
    ///
    /// # Errors
    /// When servers would read the path in different ways: see [`PathErrorKind`].
    pub fn parse_with(raw: &str, options: PathOptions) -> Result<Self, PathError> {
        if is_canonical(raw) {
            return Ok(Self { text: raw.into() });
        }
        let rest = raw.strip_prefix('/').ok_or(PathErrorKind::NotAbsolute)?;
        let mut text = String::with_capacity(raw.len());
        let mut ends_in_slash = true;
        let mut segments = rest.split('/').peekable();
        while let Some(segment) = segments.next() {
            let parent = text.len();
            text.push('/');
            // A name has a slash before it, and this one has another after it.
            let is_empty_name = parent > 0 && segments.peek().is_some();
            ends_in_slash = match (Segment::parse(segment, options, &mut text)?, is_empty_name) {
                (Segment::Name, _) => false,
                (Segment::Empty, true) if keeps_empty(options) => false,
                (Segment::Empty | Segment::Here, _) => {
                    text.truncate(parent);
                    true
                }
                (Segment::Up, _) => {
                    text.truncate(parent);
                    text.truncate(text.rfind('/').ok_or(PathErrorKind::AboveRoot)?);
                    true
                }
            };
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

    /// What else lenient servers read in this path, each once; for most paths, nothing.
    ///
    /// They decode escapes, once or until none is left; cut parameters off (`/admin;v=1` is `/admin`
    /// to a servlet), before or after that; merge slashes; drop spaces around names. None of these
    /// texts has a dot segment, nor is any of them fit to be sent: it is the canonical path that
    /// goes on. What is denied must be denied in every reading; what is allowed, in the canonical
    /// one. At most forty texts, none longer than the path.
    ///
    /// Not among them: other cases of letters, and names without the slash at their end. A pattern
    /// allows for those: `(?i)^/admin(/|$)`.
    #[must_use]
    pub fn other_readings(&self) -> Vec<String> {
        other_readings(&self.text)
    }
}

fn keeps_empty(options: PathOptions) -> bool {
    match options.duplicate_slashes {
        DuplicateSlashes::Keep => true,
        DuplicateSlashes::Merge => false,
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
    use crate::path_options::{EncodedPercent, EncodedSlash};
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
    fn an_escaped_slash_stays_where_the_api_has_names_with_slashes() {
        let options = PathOptions::strict().encoded_slash(EncodedSlash::Keep);
        check_with(options, "/p/group%2fname/x", Ok("/p/group%2Fname/x"));
        check_with(options, "/a%2f/%2f%2F/./b", Ok("/a%2F/%2F%2F/b"));
        check_with(options, "/a%2fb/../c", Ok("/c"));
        check_with(options, "/%2f.well-known%2f...", Ok("/%2F.well-known%2F..."));
        check_with(options, "//a%2fb", Ok("/a%2Fb"));
        check_with(options, "/a%2f%25", Err(PathErrorKind::EncodedPercent));
        for raw in ["/a%5cb", "/a\\b", "/a%2f%5c"] {
            check_with(options, raw, Err(PathErrorKind::Slash));
        }
        let dots = [
            "/..%2fadmin",
            "/x%2f..",
            "/%2e%2e%2fadmin",
            "/a%2f..%2fb",
            "/.%2fa",
            "/a%2f%2e",
            "/..;%2fa",
            "/a%2f..;v=1%2fb",
            "/..;x%2fa",
            "/a%2f..%3bx",
            "/;%2f..",
            "/a%2f%20..",
            "/%2f..%e2%80%8b%2f",
        ];
        for raw in dots {
            check_with(options, raw, Err(PathErrorKind::DisguisedDots));
        }
    }

    #[test]
    fn doubled_slashes_stay_where_names_may_be_empty() {
        let options = PathOptions::strict().duplicate_slashes(DuplicateSlashes::Keep);
        check_with(options, "/b//k///", Ok("/b//k///"));
        check_with(options, "/a//%7e//", Ok("/a//~//"));
        check_with(options, "/a//../b", Ok("/a/b"));
        check_with(options, "/a//..", Ok("/a/"));
        check_with(options, "/a//../..", Ok("/"));
        check_with(options, "/a/.//./b/.//", Ok("/a//b//"));
        check_with(options, "/a//..//..//../b", Ok("/a/b"));
        check_with(options, "/a//../../../b", Err(PathErrorKind::AboveRoot));
    }

    #[test]
    fn no_path_starts_with_what_could_be_a_host() {
        let options = PathOptions::strict().duplicate_slashes(DuplicateSlashes::Keep);
        check_with(options, "//", Ok("/"));
        check_with(options, "//host//a", Ok("/host//a"));
        check_with(options, "/.//host", Ok("/host"));
        check_with(options, "/a/..//host", Ok("/host"));
        check_with(options, "/a/%2e%2e/.///host", Ok("/host"));
        check_with(options, "//../a", Err(PathErrorKind::AboveRoot));
    }

    #[test]
    fn an_escaped_percent_sign_stays_where_nothing_hides_behind_it() {
        use PathErrorKind::{BadPercent, Control, DisguisedDots, Lookalike, NotUtf8, Slash};
        let options = PathOptions::strict().encoded_percent(EncodedPercent::Keep);
        check_with(options, "/100%25", Ok("/100%25"));
        check_with(options, "/%25%20%2541", Ok("/%25%20%2541"));
        check_with(options, "/a%252e5", Ok("/a%252e5"));
        check_with(options, "/%25252541", Err(PathErrorKind::EncodedPercent));
        check_with(options, "/%252541", Ok("/%252541"));
        check_with(options, "/caf%25E9/%25zz/%25u00", Ok("/caf%25E9/%25zz/%25u00"));
        check_with(options, "/a%2fb", Err(Slash));
        for raw in ["/%252f", "/a%25252Fb", "/%255c", "/%25%32%66"] {
            check_with(options, raw, Err(Slash));
        }
        for raw in ["/%252e%252e/a", "/.%25252e", "/%252e", "/..%253bx", "/%2520..", "/.%25ff."] {
            check_with(options, raw, Err(DisguisedDots));
        }
        check_with(options, "/%2500", Err(Control));
        check_with(options, "/a%25250d", Err(Control));
        check_with(options, "/%25ef%25bc%258f", Err(Lookalike));
        check_with(options, "/%25c0%25ae", Err(NotUtf8));
        check_with(options, "/%25u002e", Err(BadPercent));
        check_with(options, "/%2525u002e", Err(BadPercent));
        check_with(options, "/%", Err(BadPercent));
    }

    #[test]
    fn what_two_options_keep_is_judged_together() {
        let options = PathOptions::strict()
            .encoded_slash(EncodedSlash::Keep)
            .encoded_percent(EncodedPercent::Keep);
        check_with(options, "/a%252fb%2Fc", Ok("/a%252fb%2Fc"));
        for raw in ["/x%252f..", "/%252e%252e%2fa", "/x%25252f%2e", "/a%2f..%253b%252f"] {
            check_with(options, raw, Err(PathErrorKind::DisguisedDots));
        }
        check_with(options, "/a%255cb", Err(PathErrorKind::Slash));
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
        check_with(PathOptions::strict(), raw, expected);
    }

    #[track_caller]
    fn check_with(options: PathOptions, raw: &str, expected: Result<&str, PathErrorKind>) {
        let parsed = CanonicalPath::parse_with(raw, options);
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
