//! zlib (RFC 1950) and bare deflate (RFC 1951).

use flate2::{Decompress, FlushDecompress, Status};

use super::error::DecodeError;
use super::step::Step;

/// One stream of either form.
pub(super) struct Deflate {
    at: At,
}

enum At {
    // The first two bytes say which form it is.
    Start(Option<u8>),
    Stream(Decompress),
    End,
}

impl Deflate {
    pub(super) const fn new() -> Self {
        Self { at: At::Start(None) }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        matches!(self.at, At::End)
    }

    pub(super) fn step(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Step, DecodeError> {
        match &mut self.at {
            At::Start(first) => {
                let Some((byte, _)) = chunk.split_first() else {
                    return Ok(Step { read: 0, more: false });
                };
                match *first {
                    None => self.at = At::Start(Some(*byte)),
                    Some(first) => {
                        let mut stream = Decompress::new(is_zlib_header(first, *byte));
                        // Neither form has anything to say by its first two bytes alone.
                        inflate(&mut stream, &[first], out, 1)?;
                        inflate(&mut stream, &[*byte], out, 1)?;
                        self.at = At::Stream(stream);
                    }
                }
                Ok(Step { read: 1, more: true })
            }
            At::Stream(stream) => {
                let turn = inflate(stream, chunk, out, room)?;
                if turn.ended {
                    self.at = At::End;
                }
                Ok(Step { read: turn.read, more: turn.written == room && !turn.ended })
            }
            At::End if chunk.is_empty() => Ok(Step { read: 0, more: false }),
            At::End => Err(DecodeError::Corrupt),
        }
    }
}

/// How far [`inflate`] came.
pub(super) struct Turn {
    pub(super) read: usize,
    pub(super) written: usize,
    pub(super) ended: bool,
}

/// Appends up to `room` bytes to `out`. It stops when there is no room, no input, or at the end.
pub(super) fn inflate(
    stream: &mut Decompress,
    input: &[u8],
    out: &mut Vec<u8>,
    room: usize,
) -> Result<Turn, DecodeError> {
    let (read, written, start) = (stream.total_in(), stream.total_out(), out.len());
    out.resize(start.saturating_add(room), 0);
    let space = out.get_mut(start..).unwrap_or_default();
    let status = stream.decompress(input, space, FlushDecompress::None);
    let read = usize::try_from(stream.total_in() - read).unwrap_or(usize::MAX);
    let written = usize::try_from(stream.total_out() - written).unwrap_or(usize::MAX);
    out.truncate(start.saturating_add(written));
    match status.map_err(|_| DecodeError::Corrupt)? {
        Status::StreamEnd => Ok(Turn { read, written, ended: true }),
        Status::Ok | Status::BufError if read < input.len() && written < room => {
            Err(DecodeError::Corrupt)
        }
        Status::Ok | Status::BufError => Ok(Turn { read, written, ended: false }),
    }
}

// RFC 1950 §2.2: method 8, and a check that makes the two bytes a multiple of 31.
fn is_zlib_header(method: u8, flags: u8) -> bool {
    method & 0x0f == 8 && u16::from_be_bytes([method, flags]) % 31 == 0
}
