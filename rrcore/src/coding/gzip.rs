//! gzip (RFC 1952), of one or more members.

use flate2::{Crc, Decompress};

use super::deflate::inflate;
use super::error::DecodeError;
use super::step::Step;

pub(super) struct Gzip {
    at: At,
    header: Header,
    stream: Decompress,
    sum: Crc,
    members: u64,
}

enum At {
    Header,
    Stream,
    // The check and the size (§2.3.1), as far as they have come.
    Trailer(Vec<u8>),
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            at: At::Header,
            header: Header::new(),
            stream: Decompress::new(false),
            sum: Crc::new(),
            members: 0,
        }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        matches!(self.at, At::Header) && self.members > 0 && self.header.is_untouched()
    }

    pub(super) fn step(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Step, DecodeError> {
        let start = out.len();
        let mut read = 0;
        loop {
            let rest = chunk.get(read..).unwrap_or_default();
            let left = room.saturating_sub(out.len() - start);
            match &mut self.at {
                At::Stream if left == 0 => return Ok(Step { read, more: true }),
                At::Stream => {
                    let before = out.len();
                    let turn = inflate(&mut self.stream, rest, out, left)?;
                    self.sum.update(out.get(before..).unwrap_or_default());
                    read += turn.read;
                    if turn.ended {
                        self.at = At::Trailer(Vec::new());
                    } else if turn.written < left {
                        return Ok(Step { read, more: false });
                    }
                }
                At::Header | At::Trailer(_) => {
                    let Some(byte) = rest.first() else {
                        return Ok(Step { read, more: false });
                    };
                    read += 1;
                    self.frame(*byte)?;
                }
            }
        }
    }

    // A byte around the stream.
    fn frame(&mut self, byte: u8) -> Result<(), DecodeError> {
        match &mut self.at {
            At::Stream => {}
            At::Header => {
                if self.header.push(byte)? {
                    self.at = At::Stream;
                }
            }
            At::Trailer(trailer) => {
                trailer.push(byte);
                if trailer.len() == 8 {
                    let expected = [self.sum.sum().to_le_bytes(), self.sum.amount().to_le_bytes()];
                    if *trailer != expected.concat() {
                        return Err(DecodeError::Corrupt);
                    }
                    self.sum.reset();
                    self.stream.reset(false);
                    self.header = Header::new();
                    self.members += 1;
                    self.at = At::Header;
                }
            }
        }
        Ok(())
    }
}

// §2.3: ten bytes, and what their flags say. None of it is content, so none of it is held.
struct Header {
    part: Part,
    flags: u8,
    sum: Crc,
}

#[derive(Clone, Copy)]
enum Part {
    Fixed(usize),
    ExtraLength(Option<u8>),
    Extra(u16),
    Name,
    Comment,
    Check(Option<u8>),
}

impl Header {
    fn new() -> Self {
        Self { part: Part::Fixed(0), flags: 0, sum: Crc::new() }
    }

    const fn is_untouched(&self) -> bool {
        matches!(self.part, Part::Fixed(0))
    }

    // Whether that was the last byte.
    fn push(&mut self, byte: u8) -> Result<bool, DecodeError> {
        let sum = self.sum.sum().to_le_bytes();
        self.sum.update(&[byte]);
        let next = match self.part {
            Part::Fixed(index) => {
                if MAGIC.get(index).is_some_and(|it| *it != byte) {
                    return Err(DecodeError::Corrupt);
                }
                if index == FLAGS {
                    self.flags = byte;
                }
                if index < 9 { Some(Part::Fixed(index + 1)) } else { self.after(0) }
            }
            Part::ExtraLength(None) => Some(Part::ExtraLength(Some(byte))),
            Part::ExtraLength(Some(low)) => match u16::from_le_bytes([low, byte]) {
                0 => self.after(EXTRA),
                length => Some(Part::Extra(length)),
            },
            Part::Extra(left) if left > 1 => Some(Part::Extra(left - 1)),
            Part::Extra(_) => self.after(EXTRA),
            Part::Name if byte == 0 => self.after(NAME),
            Part::Comment if byte == 0 => self.after(COMMENT),
            Part::Name | Part::Comment => Some(self.part),
            Part::Check(None) if byte != sum[0] => return Err(DecodeError::Corrupt),
            Part::Check(None) => Some(Part::Check(Some(sum[1]))),
            Part::Check(Some(high)) if byte != high => return Err(DecodeError::Corrupt),
            Part::Check(Some(_)) => None,
        };
        // §2.3.1.2: bits that have no meaning yet mean that the rest cannot be understood.
        if self.flags & RESERVED != 0 {
            return Err(DecodeError::Corrupt);
        }
        if let Some(part) = next {
            self.part = part;
        }
        Ok(next.is_none())
    }

    // What follows the part of the flag `done`, in the order of the format.
    fn after(&self, done: u8) -> Option<Part> {
        let parts = [
            (EXTRA, Part::ExtraLength(None)),
            (NAME, Part::Name),
            (COMMENT, Part::Comment),
            (CHECK, Part::Check(None)),
        ];
        let from = parts.iter().position(|it| it.0 == done).map_or(0, |it| it + 1);
        parts.into_iter().skip(from).find(|it| self.flags & it.0 != 0).map(|it| it.1)
    }
}

// §2.3.1: two bytes that say gzip, and deflate, the only method.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const FLAGS: usize = 3;
const CHECK: u8 = 0b0000_0010;
const EXTRA: u8 = 0b0000_0100;
const NAME: u8 = 0b0000_1000;
const COMMENT: u8 = 0b0001_0000;
const RESERVED: u8 = 0b1110_0000;
