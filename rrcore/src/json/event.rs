//! What the scanner sees, byte for byte.

use std::num::NonZeroU16;

/// One piece of a document. [`Event::raw`] of all events, one after the other, is the document
/// (less a byte order mark at its start).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Whitespace between tokens; may come in several pieces.
    Space(&'a [u8]),
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `{`
    BeginObject,
    /// `}`
    EndObject,
    /// `[`
    BeginArray,
    /// `]`
    EndArray,
    /// The name of the member whose value comes next; always whole.
    Key {
        /// As written, with its quotes.
        raw: &'a [u8],
        /// What it says, as by [`unescape`](super::unescape): UTF-8.
        name: &'a [u8],
        /// If there is one, all keys of this number in this document have this name.
        number: Option<NonZeroU16>,
    },
    /// A string (with its quotes), number, `true`, `false` or `null`; may come in several pieces.
    Scalar {
        /// As written. Empty where only the next chunk, or the end, showed that a number is over.
        raw: &'a [u8],
        /// The value ends here.
        last: bool,
    },
}

impl<'a> Event<'a> {
    /// The bytes of the document that this event stands for.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        match self {
            Self::Space(raw) | Self::Key { raw, .. } | Self::Scalar { raw, .. } => raw,
            Self::Comma => b",",
            Self::Colon => b":",
            Self::BeginObject => b"{",
            Self::EndObject => b"}",
            Self::BeginArray => b"[",
            Self::EndArray => b"]",
        }
    }
}

/// Who is told. Any `FnMut(Event<'_>)` is one.
///
/// What it is told before an error is a correct beginning of a document, nothing more.
pub trait Sink {
    /// Takes the next piece of the document, which ends `end` bytes into the chunk that was pushed
    /// last. (A key that is longer than that began in an earlier one.)
    fn event(&mut self, event: Event<'_>, end: usize);

    /// Whether there is no use for what is in the object or array that has just begun. It is checked
    /// then, faster, and told as bytes to [`skipped`](Self::skipped) instead of as events.
    #[inline(always)]
    fn skips(&mut self) -> bool {
        false
    }

    /// Takes what is in a container that it skips, up to and with its closing bracket where it is
    /// over. May come in several pieces, each of which ends `end` bytes into the chunk.
    #[inline(always)]
    fn skipped(&mut self, raw: &[u8], end: usize, is_over: bool) {
        let _ = (raw, end, is_over);
    }
}

/// Nobody.
pub(super) struct Silent;

impl Sink for Silent {
    #[inline(always)]
    fn event(&mut self, _: Event<'_>, _: usize) {}
}

impl<F: FnMut(Event<'_>)> Sink for F {
    fn event(&mut self, event: Event<'_>, _: usize) {
        self(event);
    }
}
