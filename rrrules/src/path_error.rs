//! Why a path has no single reading.

use std::fmt;

/// A path that servers would read in different ways, so that nobody may judge it.
///
/// Says what is wrong, and shows nothing of the path itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathError {
    kind: PathErrorKind,
}

/// What makes a path ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathErrorKind {
    /// It does not start with `/`.
    NotAbsolute,
    /// A `%` that two hexadecimal digits do not follow (`%zz`, `%u002e`); of one that was escaped,
    /// only `%u002e`.
    BadPercent,
    /// An escaped percent sign (`%25`), or with [`EncodedPercent::Keep`](crate::EncodedPercent) one
    /// that takes more than three decodings: decoded again it is something else.
    EncodedPercent,
    /// A backslash, or a slash or backslash in disguise (`\`, `%2F`, `%5C`). With
    /// [`EncodedSlash::Keep`](crate::EncodedSlash), no longer `%2F`.
    Slash,
    /// A control character or space as it is, or an escaped control character (`%00`, `%0A`).
    Control,
    /// A character outside ASCII that is not escaped.
    NotAscii,
    /// Escapes that are not UTF-8, overlong forms included.
    NotUtf8,
    /// A character that some servers fold to `.`, `/` or `\`, such as a full-width dot.
    Lookalike,
    /// `.` or `..` with parameters, spaces or invisible characters around it (`/..;/`), next to an
    /// escaped slash (`..%2F`), or escaped more than once (`%252e`).
    DisguisedDots,
    /// `?` or `#`: no part of a path.
    Delimiter,
    /// `..` beyond the root.
    AboveRoot,
}

impl PathError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> PathErrorKind {
        self.kind
    }
}

impl From<PathErrorKind> for PathError {
    fn from(kind: PathErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            PathErrorKind::NotAbsolute => "The path does not start with a slash.",
            PathErrorKind::BadPercent => "The path has a malformed percent escape.",
            PathErrorKind::EncodedPercent => "The path has an escaped percent sign.",
            PathErrorKind::Slash => "The path has a backslash or an escaped slash.",
            PathErrorKind::Control => "The path has a control character.",
            PathErrorKind::NotAscii => "The path has a character that must be escaped.",
            PathErrorKind::NotUtf8 => "The path has escapes that are not UTF-8.",
            PathErrorKind::Lookalike => "The path has a character that resembles a dot or slash.",
            PathErrorKind::DisguisedDots => "The path has a disguised dot segment.",
            PathErrorKind::Delimiter => "The path has a question mark or number sign in it.",
            PathErrorKind::AboveRoot => "The path climbs above its root.",
        })
    }
}

impl std::error::Error for PathError {}
