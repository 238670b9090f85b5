//! How far decoders come.

/// How far a call of [`Decoder::push`](super::Decoder::push) came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// How many bytes of the chunk were taken.
    pub read: usize,
    /// Whether more comes out before anything else has to go in.
    pub more: bool,
}
