//! Why content could not be decoded.

use std::fmt;

/// Why content could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// It decodes to more bytes than the limit.
    TooLarge,
    /// It is not what the header says, is cut short, or something follows it.
    Corrupt,
    /// The header names another coding, or several.
    Unsupported,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the content decodes to more than the limit",
            Self::Corrupt => "the content is not what its Content-Encoding says",
            Self::Unsupported => "the Content-Encoding is not supported",
        })
    }
}

impl std::error::Error for DecodeError {}
