//! Content codings (RFC 9110 §8.4), decoded under a limit.

use std::fmt;
use std::io::Read;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// What [`decode`] decodes, as the value of an `Accept-Encoding` header.
pub const ACCEPTED: &str = "gzip, deflate, identity";

/// How the content of a message is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952), of one or more members; also `x-gzip`.
    Gzip,
    /// zlib (RFC 1950), or bare deflate (RFC 1951), which some servers send under this name.
    Deflate,
}

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

impl Coding {
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
    match coding {
        Coding::Identity if content.len() > limit => Err(DecodeError::TooLarge),
        Coding::Identity => Ok(content),
        Coding::Gzip => gunzip(&content, limit),
        Coding::Deflate => inflate(&content, limit),
    }
}

fn gunzip(content: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
    let mut plain = Vec::new();
    let one_over = (limit as u64).saturating_add(1);
    let read = MultiGzDecoder::new(content).take(one_over).read_to_end(&mut plain);
    // What came out before an error counts: a bomb that ends in garbage is a bomb.
    if plain.len() > limit {
        return Err(DecodeError::TooLarge);
    }
    read.map_err(|_| DecodeError::Corrupt)?;
    Ok(plain.into())
}

// The plain decoder, and not a reader: a reader takes a stream that is cut short for a short one.
fn inflate(content: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
    let mut decoder = Decompress::new(has_zlib_header(content));
    let mut plain = Vec::new();
    let mut rest = content;
    loop {
        let room = STEP.min(limit.saturating_sub(plain.len()).saturating_add(1));
        plain.reserve(room);
        let (read, written) = (decoder.total_in(), plain.len());
        let status = decoder.decompress_vec(rest, &mut plain, FlushDecompress::None);
        let status = status.map_err(|_| DecodeError::Corrupt)?;
        if plain.len() > limit {
            return Err(DecodeError::TooLarge);
        }
        let used = usize::try_from(decoder.total_in() - read).unwrap_or(usize::MAX);
        rest = rest.get(used..).unwrap_or_default();
        match status {
            Status::StreamEnd if rest.is_empty() => return Ok(plain.into()),
            Status::StreamEnd => return Err(DecodeError::Corrupt),
            Status::Ok | Status::BufError if used == 0 && plain.len() == written => {
                return Err(DecodeError::Corrupt);
            }
            Status::Ok | Status::BufError => {}
        }
    }
}

// RFC 1950 §2.2: method 8, and a check that makes the two bytes a multiple of 31.
fn has_zlib_header(content: &[u8]) -> bool {
    match content {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0
        }
        _ => false,
    }
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

const STEP: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    #[test]
    fn one_coding_is_read_from_the_headers_and_no_more() {
        check(&[], Ok(Coding::Identity));
        check(&[""], Ok(Coding::Identity));
        check(&["identity"], Ok(Coding::Identity));
        check(&["GZip"], Ok(Coding::Gzip));
        check(&[" x-gzip "], Ok(Coding::Gzip));
        check(&["identity, deflate"], Ok(Coding::Deflate));
        check(&["gzip, gzip"], Err(DecodeError::Unsupported));
        check(&["gzip", "deflate"], Err(DecodeError::Unsupported));
        check(&["br"], Err(DecodeError::Unsupported));
        check(&["gzip;q=1"], Err(DecodeError::Unsupported));
    }

    #[test]
    fn every_form_decodes_up_to_the_limit_and_not_one_byte_beyond() {
        let text = "{\"a\":1}".repeat(10_000);
        for (coding, content) in encodings(&text) {
            assert_eq!(decode(coding, content.clone(), text.len()).unwrap(), text);
            assert_eq!(decode(coding, content, text.len() - 1), Err(DecodeError::TooLarge));
        }
    }

    #[test]
    fn a_bomb_costs_the_limit_and_no_more() {
        let zeros = "0".repeat(16 << 20);
        for (coding, content) in encodings(&zeros).into_iter().skip(1) {
            assert!(content.len() < 256 << 10);
            assert_eq!(decode(coding, content, 1 << 20), Err(DecodeError::TooLarge));
        }
    }

    #[test]
    fn content_that_is_cut_short_or_followed_by_something_is_corrupt() {
        for (coding, content) in encodings("{\"ssn\":\"078-05-1120\"}").into_iter().skip(1) {
            for end in 0..content.len() {
                let cut = decode(coding, content.slice(..end), 100);
                assert_eq!(cut, Err(DecodeError::Corrupt), "{coding:?} cut at {end}");
            }
            let followed = [&content[..], b"x"].concat();
            assert_eq!(decode(coding, followed.into(), 100), Err(DecodeError::Corrupt));
            assert_eq!(decode(coding, "{}".into(), 100), Err(DecodeError::Corrupt));
        }
    }

    #[test]
    fn all_members_of_a_gzip_file_are_content() {
        let [_, (coding, content), ..] = encodings("{}");
        let twice = [content.clone(), content].concat();
        assert_eq!(decode(coding, twice.into(), 4).unwrap(), "{}{}");
    }

    fn encodings(text: &str) -> [(Coding, Bytes); 4] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        zlib.write_all(text.as_bytes()).unwrap();
        bare.write_all(text.as_bytes()).unwrap();
        [
            (Coding::Identity, Bytes::copy_from_slice(text.as_bytes())),
            (Coding::Gzip, gzip.finish().unwrap().into()),
            (Coding::Deflate, zlib.finish().unwrap().into()),
            (Coding::Deflate, bare.finish().unwrap().into()),
        ]
    }

    #[track_caller]
    fn check(lines: &[&str], expected: Result<Coding, DecodeError>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_ENCODING, line.parse().unwrap());
        }
        assert_eq!(Coding::of(&headers), expected, "{lines:?}");
    }
}
