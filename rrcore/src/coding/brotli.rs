//! Brotli (RFC 7932).

use brotli_decompressor::{
    Allocator, BrotliDecoderErrorCode, BrotliDecompressStream, BrotliResult, BrotliState,
    StandardAlloc,
};

use super::error::DecodeError;

/// The one stream that `content` is, without the large windows that are no part of RFC 7932.
pub(super) fn decompress(content: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let tables = StandardAlloc::default();
    let mut state = BrotliState::new_strict(History::of(limit), tables, tables);
    let mut plain = Vec::new();
    let mut step = vec![0; STEP.min(limit.saturating_add(1))];
    let (mut left, mut read, mut total) = (content.len(), 0, 0);
    loop {
        let (mut room, mut written) = (step.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            content,
            &mut room,
            &mut written,
            &mut step,
            &mut total,
            &mut state,
        );
        plain.extend_from_slice(step.get(..written).unwrap_or_default());
        if plain.len() > limit {
            return Err(DecodeError::TooLarge);
        }
        match result {
            BrotliResult::ResultSuccess if left == 0 => return Ok(plain),
            BrotliResult::NeedsMoreOutput if written > 0 => {}
            BrotliResult::ResultFailure if was_refused_history(state.error_code) => {
                return Err(DecodeError::TooLarge);
            }
            BrotliResult::ResultSuccess
            | BrotliResult::NeedsMoreInput
            | BrotliResult::NeedsMoreOutput
            | BrotliResult::ResultFailure => return Err(DecodeError::Corrupt),
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
    fn of(limit: usize) -> Self {
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

const STEP: usize = 16 * 1024;
// For the smallest history, its slack and the context maps (16 KiB), whatever the limit.
const LEAST: usize = 32 * 1024;
