//! The rest of a chunk, of which a sink is told as of the whole.

use super::event::{Event, Sink};

/// Tells `sink` of what begins `by` bytes into the chunk that was pushed.
pub(super) struct Shifted<'a, S: ?Sized> {
    pub(super) sink: &'a mut S,
    pub(super) by: usize,
}

impl<S: Sink + ?Sized> Sink for Shifted<'_, S> {
    fn event(&mut self, event: Event<'_>, end: usize) {
        self.sink.event(event, end + self.by);
    }

    fn skips(&mut self) -> bool {
        self.sink.skips()
    }

    fn skipped(&mut self, raw: &[u8], end: usize, is_over: bool) {
        self.sink.skipped(raw, end + self.by, is_over);
    }
}
