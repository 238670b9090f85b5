//! Streams of records: `text/event-stream` (the HTML standard, §9.2) and `application/x-ndjson`, cut
//! as their bytes arrive.

mod event;
mod splitter;

#[cfg(test)]
mod tests;

pub use self::splitter::{Framing, Record, RecordTooLong, Records};
