//! Content codings (RFC 9110 §8.4), decoded under a limit.

#[cfg(feature = "encoding")]
mod accept;
mod brotli;
mod contained;
mod decoder;
mod deflate;
#[cfg(feature = "encoding")]
mod encoder;
mod error;
mod gzip;
mod machine;
mod names;
mod step;
mod zstd;

#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use self::decoder::{DecodeLimits, Decoder};
#[cfg(feature = "encoding")]
pub use self::encoder::Encoder;
pub use self::error::DecodeError;
pub use self::names::Coding;
pub use self::step::Step;

/// What [`decode`] decodes, as the value of an `Accept-Encoding` header.
pub const ACCEPTED: &str = "gzip, deflate, br, zstd, identity";

/// What [`Decoder`] decodes without holding much of it back: [`ACCEPTED`] but zstd. For content that
/// is worth something before it is whole.
pub const STREAMED: [&str; 4] = ["gzip", "deflate", "br", "identity"];

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
