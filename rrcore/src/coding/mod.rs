//! Content codings (RFC 9110 §8.4), decoded under a limit.

#[cfg(feature = "encoding")]
mod accept;
mod brotli;
mod decoder;
mod deflate;
#[cfg(feature = "encoding")]
mod encoder;
mod error;
mod gzip;
mod machine;
mod zstd;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

pub use self::decoder::{DecodeLimits, Decoder, Step};
#[cfg(feature = "encoding")]
pub use self::encoder::Encoder;
pub use self::error::DecodeError;

/// What [`decode`] decodes, as the value of an `Accept-Encoding` header.
pub const ACCEPTED: &str = "gzip, deflate, br, zstd, identity";

/// What [`Decoder`] decodes without holding much of it back: [`ACCEPTED`] but zstd. For content that
/// is worth something before it is whole.
pub const STREAMED: &str = "gzip, deflate, br, identity";

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

/// Undoes `coding`, giving at most `limit` bytes. `content` without a coding is given back as it
/// is.
///
/// Time is linear in `content` and `limit`. Memory is at most five times `limit` and 5 MiB, whatever
/// window the content asks for: no decoder's history grows much beyond what may come out of it.
///
/// ```
/// use rrcore::coding::{Coding, DecodeError, decode};
///
/// let plain = decode(Coding::Identity, "{}".into(), 2);
/// assert_eq!(plain.unwrap(), "{}");
/// assert_eq!(decode(Coding::Gzip, "{}".into(), 2), Err(DecodeError::Corrupt));
/// ```
///
/// # Errors
///
/// [`DecodeError::TooLarge`] as soon as there is one byte over the limit, however large the rest
/// would be; [`DecodeError::Corrupt`].
pub fn decode(coding: Coding, content: Bytes, limit: usize) -> Result<Bytes, DecodeError> {
    if coding == Coding::Identity {
        return if content.len() > limit { Err(DecodeError::TooLarge) } else { Ok(content) };
    }
    let mut decoder = Decoder::new(coding, DecodeLimits::bytes(limit as u64));
    let mut plain = Vec::new();
    let mut rest = &*content;
    loop {
        let step = decoder.push(rest, &mut plain)?;
        rest = rest.get(step.read..).unwrap_or_default();
        if rest.is_empty() && !step.more {
            decoder.finish()?;
            return Ok(plain.into());
        }
    }
}
