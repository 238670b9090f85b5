//! One coding's state between two chunks.

use super::brotli::Brotli;
use super::deflate::Deflate;
use super::error::DecodeError;
use super::gzip::Gzip;
use super::names::Coding;
use super::step::Step;
use super::zstd::Zstd;

pub(super) enum Machine {
    Identity,
    Gzip(Box<Gzip>),
    Deflate(Box<Deflate>),
    Brotli(Box<Brotli>),
    Zstd(Box<Zstd>),
    /// After an error.
    Broken(DecodeError),
}

impl Machine {
    /// `most` is how much content there may be: no more history is held than that needs.
    pub(super) fn new(coding: Coding, most: usize) -> Self {
        match coding {
            Coding::Identity => Self::Identity,
            Coding::Gzip => Self::Gzip(Box::new(Gzip::new())),
            Coding::Deflate => Self::Deflate(Box::new(Deflate::new())),
            Coding::Brotli => Self::Brotli(Box::new(Brotli::new(most))),
            Coding::Zstd => Self::Zstd(Box::new(Zstd::new(most))),
        }
    }

    /// Appends up to `room` bytes to `out`.
    pub(super) fn step(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Step, DecodeError> {
        match self {
            Self::Identity => {
                let read = chunk.len().min(room);
                out.extend_from_slice(chunk.get(..read).unwrap_or_default());
                Ok(Step { read, more: false })
            }
            Self::Gzip(it) => it.step(chunk, out, room),
            Self::Deflate(it) => it.step(chunk, out, room),
            Self::Brotli(it) => it.step(chunk, out, room),
            Self::Zstd(it) => it.step(chunk, out, room),
            Self::Broken(error) => Err(*error),
        }
    }

    /// Whether the content may end here.
    pub(super) fn is_at_end(&self) -> bool {
        match self {
            Self::Identity => true,
            Self::Gzip(it) => it.is_at_end(),
            Self::Deflate(it) => it.is_at_end(),
            Self::Brotli(it) => it.is_at_end(),
            Self::Zstd(it) => it.is_at_end(),
            Self::Broken(_) => false,
        }
    }
}
