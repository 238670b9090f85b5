//! Undoes a coding while its content arrives.

use std::fmt;

use super::contained::contained;
use super::error::DecodeError;
use super::machine::Machine;
use super::names::Coding;
use super::step::Step;

/// How much may come out of content, and how much more than went in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct DecodeLimits {
    bytes: u64,
    ratio: u64,
}

impl DecodeLimits {
    /// At most `bytes` bytes of plain content, however well it was compressed.
    pub const fn bytes(bytes: u64) -> Self {
        Self { bytes, ratio: u64::MAX }
    }

    /// Beyond the first MiB, at most `ratio` bytes of plain content for each byte of the encoded.
    ///
    /// Text shrinks by 3 to 20 times, and records that are all alike by 100; a bomb by 1,000 (gzip)
    /// or more.
    pub const fn ratio(self, ratio: u64) -> Self {
        Self { ratio, ..self }
    }

    fn allow(self, encoded: u64, plain: u64) -> bool {
        let proportionate = encoded.saturating_mul(self.ratio).saturating_add(UNPROPORTIONED);
        plain <= self.bytes && plain <= proportionate
    }
}

/// Undoes a [`Coding`] chunk by chunk: what comes out does not depend on where the chunks end.
///
/// A call gives at most [`Decoder::STEP`] bytes, and says what it has taken: a bomb is given out, and
/// refused, in small pieces. What is held between two calls is the history that the coding needs: 32
/// KiB for gzip and deflate, up to 16 MiB for brotli, and up to 16 MiB for zstd (a window of 8 MiB);
/// never more than about twice of what [`DecodeLimits::bytes`] allows.
///
/// ```
/// use rrcore::coding::{Coding, DecodeError, DecodeLimits, Decoder};
///
/// fn decoded(chunks: &[&[u8]]) -> Result<Vec<u8>, DecodeError> {
///     let mut decoder = Decoder::new(Coding::Deflate, DecodeLimits::bytes(1000).ratio(100));
///     let mut plain = Vec::new();
///     for chunk in chunks {
///         decoder.push_all(chunk, |it| {
///             plain.extend_from_slice(it);
///             Ok::<_, DecodeError>(())
///         })?;
///     }
///     decoder.finish()?;
///     Ok(plain)
/// }
///
/// assert_eq!(decoded(&[&[0x78, 0x01, 0x01, 0x02], &[0x00, 0xfd], &[0xff, b'{', b'}']]),
///     Err(DecodeError::Corrupt));
/// assert_eq!(decoded(&[&[0x78, 0x01, 0x01, 0x02], &[0x00, 0xfd], &[0xff, b'{', b'}', 1, 117, 0, 249]]),
///     Ok(b"{}".to_vec()));
/// ```
///
/// # Caveats
///
/// The decoder for zstd gives nothing out before it has a whole window of it, or all: a stream of
/// events should not come in that coding ([`STREAMED`](super::STREAMED)).
pub struct Decoder {
    machine: Machine,
    limits: DecodeLimits,
    encoded: u64,
    plain: u64,
}

impl Decoder {
    /// The most that one call gives.
    pub const STEP: usize = 64 * 1024;

    /// Undoes `coding`, within `limits`.
    #[must_use]
    pub fn new(coding: Coding, limits: DecodeLimits) -> Self {
        let history = usize::try_from(limits.bytes).unwrap_or(usize::MAX);
        Self { machine: Machine::new(coding, history), limits, encoded: 0, plain: 0 }
    }

    /// Takes bytes off the start of `chunk`, and puts what they decode to after what is in `out`.
    ///
    /// Call it again with the rest of the chunk, or with nothing, until all is read and there is no
    /// [`more`](Step::more).
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooLarge`] as soon as there is one byte over a limit, and
    /// [`DecodeError::Corrupt`]; then the same forever. What was given before may not be the whole
    /// of what could have been decoded.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<Step, DecodeError> {
        let left = self.limits.bytes.saturating_sub(self.plain).saturating_add(1);
        // Room is cleared before it is filled: for an event of a stream, as much as it may need.
        let most = chunk.len().saturating_mul(EXPECTED).clamp(LEAST_ROOM, Self::STEP);
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(most);
        let before = out.len();
        let machine = &mut self.machine;
        let stepped = contained(|| machine.step(chunk, out, room));
        let result = stepped.and_then(|step| {
            self.encoded = self.encoded.saturating_add(step.read as u64);
            self.plain = self.plain.saturating_add((out.len() - before) as u64);
            let is_allowed = self.limits.allow(self.encoded, self.plain);
            is_allowed.then_some(step).ok_or(DecodeError::TooLarge)
        });
        if let Err(error) = result {
            out.truncate(before);
            self.machine = Machine::Broken(error);
        }
        result
    }

    /// Takes all of `chunk`, and gives what it decodes to in pieces of at most
    /// [`Decoder::STEP`] bytes.
    ///
    /// # Errors
    ///
    /// As [`Decoder::push`], and as `each`, after which nothing more should be pushed.
    pub fn push_all<E: From<DecodeError>>(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = chunk;
        let mut plain = Vec::new();
        loop {
            plain.clear();
            let step = self.push(rest, &mut plain)?;
            rest = rest.get(step.read..).unwrap_or_default();
            if !plain.is_empty() {
                each(&plain)?;
            }
            if rest.is_empty() && !step.more {
                return Ok(());
            }
        }
    }

    /// Ends the content.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Corrupt`] if it was cut short; what [`Decoder::push`] said before.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.machine {
            Machine::Broken(error) => Err(error),
            _ if self.machine.is_at_end() => Ok(()),
            _ => Err(DecodeError::Corrupt),
        }
    }
}

// Histories are large, and full of what passed.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limits", &self.limits)
            .field("encoded", &self.encoded)
            .field("plain", &self.plain)
            .finish_non_exhaustive()
    }
}

// Small content may shrink to next to nothing and do no harm.
const UNPROPORTIONED: u64 = 1 << 20;
// How much more may come out of a chunk at first: text shrinks by no more than that, mostly.
const EXPECTED: usize = 8;
const LEAST_ROOM: usize = 2 * 1024;
