//! gzip (RFC 1952), zlib (RFC 1950) and bare deflate (RFC 1951).

use std::io::Read;

use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::error::DecodeError;

pub(super) fn gunzip(content: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut plain = Vec::new();
    let one_over = (limit as u64).saturating_add(1);
    let read = MultiGzDecoder::new(content).take(one_over).read_to_end(&mut plain);
    // What came out before an error counts: a bomb that ends in garbage is a bomb.
    if plain.len() > limit {
        return Err(DecodeError::TooLarge);
    }
    read.map_err(|_| DecodeError::Corrupt)?;
    Ok(plain)
}

// The plain decoder, and not a reader: a reader takes a stream that is cut short for a short one.
pub(super) fn inflate(content: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
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
            Status::StreamEnd if rest.is_empty() => return Ok(plain),
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

const STEP: usize = 16 * 1024;
