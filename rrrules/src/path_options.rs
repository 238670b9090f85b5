//! What a target's API needs of a path beyond the strict reading.

/// What a path may hold that servers do not read alike.
///
/// Each `Keep` is for an API that gives the thing a meaning, and costs something: say it for that
/// API alone. What is kept has more than one reading; a `Deny` is asked about each of
/// [`CanonicalPath::other_readings`](crate::CanonicalPath::other_readings). Dot segments,
/// backslashes and control characters are never kept, however they are hidden.
///
/// ```
/// use rrrules::{CanonicalPath, EncodedSlash, PathOptions};
///
/// let options = PathOptions::strict().encoded_slash(EncodedSlash::Keep);
/// let path = CanonicalPath::parse_with("/projects/group%2fname", options).unwrap();
/// assert_eq!(path.as_str(), "/projects/group%2Fname");
/// assert!(CanonicalPath::parse_with("/projects/..%2fadmin", options).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
#[non_exhaustive]
pub struct PathOptions {
    /// What becomes of `%2F`.
    pub encoded_slash: EncodedSlash,
    /// What becomes of `//`.
    pub duplicate_slashes: DuplicateSlashes,
    /// What becomes of `%25`.
    pub encoded_percent: EncodedPercent,
}

/// What becomes of a slash that is escaped (`%2F`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EncodedSlash {
    /// It is refused. Names with a slash in them cannot be asked for.
    #[default]
    Reject,
    /// It stays in its segment, as `%2F` (GitLab: `/projects/group%2Fname`).
    ///
    /// Risk: a server behind that decodes before it routes takes one segment for two. An `Allow`
    /// for `^/files/[^/]+$` lets `/files/a%2Fb` through, which is `/files/a/b` to such a server.
    Keep,
}

/// What becomes of slashes next to each other (`//`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DuplicateSlashes {
    /// They become one. A name that is empty cannot be asked for.
    #[default]
    Merge,
    /// They stay (S3: the key `logs//today`), but for those at the very start, which become one:
    /// some servers take what follows `//` there for a host. `..` takes away one empty name, as in
    /// RFC 3986 §5.2.4.
    ///
    /// Risk: an `Allow` whose pattern counts segments counts the empty ones too, and a server that
    /// merges them does not.
    Keep,
}

/// What becomes of a percent sign that is escaped (`%25`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EncodedPercent {
    /// It is refused. Names with a percent sign in them cannot be asked for.
    #[default]
    Reject,
    /// It stays (S3: the key `100%`, sent as `100%25`), unless what it decodes to, in up to three
    /// steps, is something that is refused: `%252e%252e`, `%2500`, or `%252F` without
    /// [`EncodedSlash::Keep`]. What takes a fourth step is refused as it is.
    ///
    /// Risk: a server behind that decodes twice reads another name. An `Allow` for `^/files/%2561$`
    /// is an `Allow` for `/files/a` there.
    Keep,
}

impl PathOptions {
    /// Nothing is kept: the default.
    pub const fn strict() -> Self {
        Self {
            encoded_slash: EncodedSlash::Reject,
            duplicate_slashes: DuplicateSlashes::Merge,
            encoded_percent: EncodedPercent::Reject,
        }
    }

    /// What becomes of `%2F`.
    pub const fn encoded_slash(mut self, encoded_slash: EncodedSlash) -> Self {
        self.encoded_slash = encoded_slash;
        self
    }

    /// What becomes of `//`.
    pub const fn duplicate_slashes(mut self, duplicate_slashes: DuplicateSlashes) -> Self {
        self.duplicate_slashes = duplicate_slashes;
        self
    }

    /// What becomes of `%25`.
    pub const fn encoded_percent(mut self, encoded_percent: EncodedPercent) -> Self {
        self.encoded_percent = encoded_percent;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_strict() {
        assert_eq!(PathOptions::default(), PathOptions::strict());
    }
}
