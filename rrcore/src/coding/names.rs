//! The codings, and how messages name them (RFC 9110 §8.4).

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::error::DecodeError;

/// How the content of a message is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952), of one or more members; also `x-gzip`.
    Gzip,
    /// zlib (RFC 1950), or bare deflate (RFC 1951), which some servers send under this name.
    Deflate,
    /// Brotli (RFC 7932), with windows of up to 16 MiB as there.
    Brotli,
    /// Zstandard (RFC 8878), of one or more frames, without a dictionary and with windows of up to
    /// 8 MiB (RFC 9659).
    Zstd,
}

impl Coding {
    /// Its name in `Content-Encoding`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The coding that the `Content-Encoding` lines of `headers` name.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Unsupported`] for codings other than these, and for several at once.
    pub fn of(headers: &HeaderMap) -> Result<Self, DecodeError> {
        let mut coding = Self::Identity;
        for line in headers.get_all(CONTENT_ENCODING) {
            for name in line.as_bytes().split(|it| *it == b',').map(<[u8]>::trim_ascii) {
                let next = match name.to_ascii_lowercase().as_slice() {
                    b"" | b"identity" => continue,
                    b"gzip" | b"x-gzip" => Self::Gzip,
                    b"deflate" => Self::Deflate,
                    b"br" => Self::Brotli,
                    b"zstd" => Self::Zstd,
                    _ => return Err(DecodeError::Unsupported),
                };
                if coding != Self::Identity {
                    return Err(DecodeError::Unsupported);
                }
                coding = next;
            }
        }
        Ok(coding)
    }
}
