//! Brotli (RFC 7932).

use brotli_decompressor::{
    Allocator, BrotliDecoderErrorCode, BrotliDecompressStream, BrotliResult, BrotliState,
    StandardAlloc,
};

use super::error::DecodeError;
use super::step::Step;

/// One stream, without the large windows that are no part of RFC 7932.
pub(super) struct Brotli {
    state: BrotliState<History, StandardAlloc, StandardAlloc>,
    total: usize,
    ended: bool,
}

impl Brotli {
    pub(super) fn new(most: usize) -> Self {
        let tables = StandardAlloc::default();
        let state = BrotliState::new_strict(History::of(most), tables, tables);
        Self { state, total: 0, ended: false }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.ended
    }

    pub(super) fn step(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Step, DecodeError> {
        if self.ended {
            return match chunk.is_empty() {
                true => Ok(Step { read: 0, more: false }),
                false => Err(DecodeError::Corrupt),
            };
        }
        let start = out.len();
        out.resize(start.saturating_add(room), 0);
        let (mut left, mut read, mut room, mut written) = (chunk.len(), 0, room, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            chunk,
            &mut room,
            &mut written,
            out.get_mut(start..).unwrap_or_default(),
            &mut self.total,
            &mut self.state,
        );
        out.truncate(start.saturating_add(written));
        match result {
            BrotliResult::ResultSuccess if left == 0 => {
                self.ended = true;
                Ok(Step { read, more: false })
            }
            // It asks for input also while it has output for which there was no room.
            BrotliResult::NeedsMoreInput if left == 0 => Ok(Step { read, more: room == 0 }),
            BrotliResult::NeedsMoreOutput if written > 0 => Ok(Step { read, more: true }),
            BrotliResult::ResultFailure if was_refused_history(self.state.error_code) => {
                Err(DecodeError::TooLarge)
            }
            BrotliResult::ResultSuccess
            | BrotliResult::NeedsMoreInput
            | BrotliResult::NeedsMoreOutput
            | BrotliResult::ResultFailure => Err(DecodeError::Corrupt),
        }
    }
}

// The decoder asks for as much history as its content so far and the next meta-block need, rounded
// up to a power of two, or for the window if that is less. A meta-block says how long it is, so a
// history of more than twice the limit is for content over the limit: it is known to be too large
// before it is decoded, and 20 bytes cannot make us hold a window of 16 MiB.
struct History {
    most: usize,
}

impl History {
    const fn of(limit: usize) -> Self {
        Self { most: limit.saturating_mul(2).saturating_add(LEAST) }
    }
}

impl Allocator<u8> for History {
    type AllocatedMemory = <StandardAlloc as Allocator<u8>>::AllocatedMemory;

    // An empty cell is how an allocator of that crate refuses.
    fn alloc_cell(&mut self, len: usize) -> Self::AllocatedMemory {
        if len > self.most {
            return Self::AllocatedMemory::default();
        }
        StandardAlloc::default().alloc_cell(len)
    }

    fn free_cell(&mut self, cell: Self::AllocatedMemory) {
        drop(cell);
    }
}

fn was_refused_history(code: BrotliDecoderErrorCode) -> bool {
    matches!(
        code,
        BrotliDecoderErrorCode::BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_1
            | BrotliDecoderErrorCode::BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_2
    )
}

// For the smallest history, its slack and the context maps (16 KiB), whatever the limit.
const LEAST: usize = 32 * 1024;
