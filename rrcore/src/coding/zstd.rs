//! Zstandard (RFC 8878), as far as HTTP may use it (RFC 9659).

use std::io::Read;
use std::ops::RangeInclusive;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::error::DecodeError;
use super::step::Step;

/// All frames of the content; skippable frames have none.
pub(super) struct Zstd {
    at: At,
    // What the decoder takes only as a whole: a header, or a block.
    held: Vec<u8>,
    decoder: FrameDecoder,
    // What the frame says of itself.
    size: Option<usize>,
    has_checksum: bool,
    written: usize,
    // How much content there may still be.
    left: usize,
    frames: u64,
}

#[derive(Clone, Copy)]
enum At {
    Magic,
    SkippableLength,
    Skipping(u32),
    Descriptor,
    Header(usize),
    BlockHeader,
    Block { length: usize, last: bool },
    Output { last: bool },
}

impl Zstd {
    pub(super) fn new(most: usize) -> Self {
        Self {
            at: At::Magic,
            held: Vec::new(),
            decoder: FrameDecoder::new(),
            size: None,
            has_checksum: false,
            written: 0,
            left: most,
            frames: 0,
        }
    }

    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.at, At::Magic) && self.held.is_empty() && self.frames > 0
    }

    pub(super) fn step(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Step, DecodeError> {
        let start = out.len();
        let mut rest = chunk;
        loop {
            let needed = match self.at {
                At::Magic => 4,
                At::SkippableLength => 8,
                At::Descriptor => DESCRIPTOR + 1,
                At::Header(length) | At::Block { length, .. } => length,
                At::BlockHeader => 3,
                At::Skipping(_) | At::Output { .. } => 0,
            };
            let missing = needed.saturating_sub(self.held.len());
            let (taken, after) = rest.split_at(missing.min(rest.len()));
            self.held.extend_from_slice(taken);
            rest = after;
            let read = chunk.len() - rest.len();
            if self.held.len() < needed {
                return Ok(Step { read, more: false });
            }
            match self.at {
                At::Skipping(0) => self.end_frame(),
                At::Skipping(_) if rest.is_empty() => return Ok(Step { read, more: false }),
                At::Skipping(left) => {
                    let skipped = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    rest = rest.get(skipped..).unwrap_or_default();
                    self.at = At::Skipping(left - u32::try_from(skipped).unwrap_or(left));
                }
                At::Output { last } => {
                    let left = room.saturating_sub(out.len() - start);
                    if left == 0 {
                        return Ok(Step { read, more: true });
                    }
                    self.output(out, left, last)?;
                }
                _ => self.advance()?,
            }
        }
    }

    // All that this part needs is held.
    fn advance(&mut self) -> Result<(), DecodeError> {
        self.at = match self.at {
            At::Magic => match u32::from_le_bytes(first(&self.held)?) {
                MAGIC => At::Descriptor,
                magic if SKIPPABLE.contains(&magic) => At::SkippableLength,
                _ => return Err(DecodeError::Corrupt),
            },
            At::SkippableLength => {
                let length = self.held.get(4..).unwrap_or_default();
                let length = u32::from_le_bytes(first(length)?);
                self.held.clear();
                At::Skipping(length)
            }
            At::Descriptor => At::Header(header_length(&self.held)?),
            At::Header(_) => {
                self.begin_frame()?;
                self.held.clear();
                At::BlockHeader
            }
            At::BlockHeader => self.block()?,
            At::Block { last, .. } => {
                // One block, which is all there is to read.
                let one = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.decoder.decode_blocks(self.held.as_slice(), one);
                decoded.map_err(|_| DecodeError::Corrupt)?;
                self.held.clear();
                At::Output { last }
            }
            at @ (At::Skipping(_) | At::Output { .. }) => at,
        };
        Ok(())
    }

    // The decoder refuses what is no frame, and a frame that needs a dictionary: it has none. What
    // it does not look at, but the reference decoder does, is looked at here, lest what we inspect
    // be something that nobody else would see.
    fn begin_frame(&mut self) -> Result<(), DecodeError> {
        let descriptor = self.held.get(DESCRIPTOR).copied().unwrap_or_default();
        if descriptor & RESERVED != 0 {
            return Err(DecodeError::Corrupt);
        }
        // A new decoder for each frame: a used one reserves the next frame's window at once.
        self.decoder = FrameDecoder::new();
        self.decoder.set_max_window_size(MAX_WINDOW);
        self.decoder.reset(self.held.as_slice()).map_err(|_| DecodeError::Corrupt)?;
        let says_size = descriptor & (SIZE | SINGLE_SEGMENT) != 0;
        let size = || usize::try_from(self.decoder.content_size()).unwrap_or(usize::MAX);
        self.size = says_size.then(size);
        self.has_checksum = descriptor & CHECKSUM != 0;
        self.written = 0;
        if self.size.is_some_and(|it| it > self.left) {
            return Err(DecodeError::TooLarge);
        }
        Ok(())
    }

    // §3.1.1.2: whether it is the last one, its type, and its size; nothing larger is held.
    fn block(&self) -> Result<At, DecodeError> {
        let [low, middle, high]: [u8; 3] = first(&self.held)?;
        let header = u32::from_le_bytes([low, middle, high, 0]);
        let last = header & 1 != 0;
        let content = match header >> 1 & 0b11 {
            0 | 2 => usize::try_from(header >> 3).unwrap_or(usize::MAX),
            1 => 1,
            _ => return Err(DecodeError::Corrupt),
        };
        if content > MAX_BLOCK {
            return Err(DecodeError::Corrupt);
        }
        let checksum = if last && self.has_checksum { 4 } else { 0 };
        Ok(At::Block { length: 3 + content + checksum, last })
    }

    // Gives out what of the decoder's history is needed no longer.
    fn output(&mut self, out: &mut Vec<u8>, room: usize, last: bool) -> Result<(), DecodeError> {
        let start = out.len();
        out.resize(start.saturating_add(room), 0);
        let given = self.decoder.read(out.get_mut(start..).unwrap_or_default());
        let given = given.map_err(|_| DecodeError::Corrupt)?;
        out.truncate(start.saturating_add(given));
        self.written = self.written.saturating_add(given);
        self.left = self.left.saturating_sub(given);
        if given == room {
            return Ok(());
        }
        if !last {
            self.at = At::BlockHeader;
            return Ok(());
        }
        let checksum = self.decoder.get_checksum_from_data();
        if self.size.is_some_and(|it| it != self.written)
            || checksum.is_some() && checksum != self.decoder.get_calculated_checksum()
        {
            return Err(DecodeError::Corrupt);
        }
        self.end_frame();
        Ok(())
    }

    // The history goes with it.
    fn end_frame(&mut self) {
        self.decoder = FrameDecoder::new();
        self.frames += 1;
        self.at = At::Magic;
    }
}

// §3.1.1.1: what follows the descriptor is as long as its bits say.
fn header_length(held: &[u8]) -> Result<usize, DecodeError> {
    let descriptor = *held.get(DESCRIPTOR).ok_or(DecodeError::Corrupt)?;
    let is_single = descriptor & SINGLE_SEGMENT != 0;
    let window = usize::from(!is_single);
    let dictionary = match descriptor & 0b11 {
        0 => 0,
        1 => 1,
        2 => 2,
        _ => 4,
    };
    let size = match descriptor >> 6 {
        0 => usize::from(is_single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    Ok(DESCRIPTOR + 1 + window + dictionary + size)
}

fn first<const N: usize>(held: &[u8]) -> Result<[u8; N], DecodeError> {
    held.first_chunk().copied().ok_or(DecodeError::Corrupt)
}

const MAGIC: u32 = 0xFD2F_B528;
// §3.1.2: four bytes that say so, the length, and that many bytes for somebody else.
const SKIPPABLE: RangeInclusive<u32> = 0x184D_2A50..=0x184D_2A5F;

// §3.1.1.1.1: the byte after the magic number, and its bits.
const DESCRIPTOR: usize = 4;
const SIZE: u8 = 0b1100_0000;
const SINGLE_SEGMENT: u8 = 0b0010_0000;
const RESERVED: u8 = 0b0000_1000;
const CHECKSUM: u8 = 0b0000_0100;

// §3.1.1.2.4.
const MAX_BLOCK: usize = 128 << 10;
// RFC 9659 §3.
const MAX_WINDOW: u64 = 8 << 20;
