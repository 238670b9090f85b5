//! Zstandard (RFC 8878), as far as HTTP may use it (RFC 9659).

use std::ops::RangeInclusive;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::error::DecodeError;

/// The content of all frames of `content`; skippable frames have none.
pub(super) fn decompress(content: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut plain = Vec::new();
    let mut rest = content;
    loop {
        rest = match after_skippable(rest)? {
            Some(after) => after,
            None => after_frame(rest, limit, &mut plain)?,
        };
        if rest.is_empty() {
            return Ok(plain);
        }
    }
}

// §3.1.2: four bytes that say so, the length, and that many bytes for somebody else.
fn after_skippable(content: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let (magic, rest) = content.split_first_chunk().ok_or(DecodeError::Corrupt)?;
    if !SKIPPABLE.contains(&u32::from_le_bytes(*magic)) {
        return Ok(None);
    }
    let (length, rest) = rest.split_first_chunk().ok_or(DecodeError::Corrupt)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    rest.get(length..).map(Some).ok_or(DecodeError::Corrupt)
}

// The decoder refuses what is no frame, and a frame that needs a dictionary: it has none. What it
// does not look at, but the reference decoder does, is looked at here, lest what we inspect be
// something that nobody else would see.
fn after_frame<'a>(
    content: &'a [u8],
    limit: usize,
    plain: &mut Vec<u8>,
) -> Result<&'a [u8], DecodeError> {
    let descriptor = content.get(DESCRIPTOR).ok_or(DecodeError::Corrupt)?;
    if descriptor & RESERVED != 0 {
        return Err(DecodeError::Corrupt);
    }
    // A new decoder for each frame: a used one reserves the next frame's window at once.
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(MAX_WINDOW);
    let mut rest = content;
    decoder.reset(&mut rest).map_err(|_| DecodeError::Corrupt)?;

    let left = limit.saturating_sub(plain.len());
    let says_size = descriptor & (SIZE | SINGLE_SEGMENT) != 0;
    let size = says_size.then(|| usize::try_from(decoder.content_size()).unwrap_or(usize::MAX));
    if size.is_some_and(|it| it > left) {
        return Err(DecodeError::TooLarge);
    }
    // It stops at the end of the frame, or after the block with the first byte over the limit.
    // Nothing is taken out of its history before, so that is what grows, and not to the window.
    let up_to = BlockDecodingStrategy::UptoBytes(left.saturating_add(1));
    let ended = decoder.decode_blocks(&mut rest, up_to).map_err(|_| DecodeError::Corrupt)?;
    if !ended || decoder.can_collect() > left {
        return Err(DecodeError::TooLarge);
    }
    let written = decoder.collect_to_writer(plain).map_err(|_| DecodeError::Corrupt)?;
    let checksum = decoder.get_checksum_from_data();
    if size.is_some_and(|it| it != written)
        || checksum.is_some() && checksum != decoder.get_calculated_checksum()
    {
        return Err(DecodeError::Corrupt);
    }
    Ok(rest)
}

// RFC 8878 §3.1.1.1.1: the byte after the magic number, and its bits.
const DESCRIPTOR: usize = 4;
const SIZE: u8 = 0b1100_0000;
const SINGLE_SEGMENT: u8 = 0b0010_0000;
const RESERVED: u8 = 0b0000_1000;

const SKIPPABLE: RangeInclusive<u32> = 0x184D_2A50..=0x184D_2A5F;

// RFC 9659 §3.
const MAX_WINDOW: u64 = 8 << 20;
