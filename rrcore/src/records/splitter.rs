//! Cuts a stream into records.

use std::borrow::Cow;
use std::fmt;

use super::event;

/// How a stream says where its records end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// `text/event-stream`: an event ends with an empty line. A line ends with CR, LF, or both.
    EventStream,
    /// `application/x-ndjson`: a record is a line. A line ends with LF.
    Lines,
}

/// Cuts a stream into records, which do not depend on where its chunks end.
///
/// It holds the record that has not ended yet, and nothing else. A record is given as soon as its last
/// byte is there: where an event ends with CR, the LF that may follow is a record of its own, without
/// data.
///
/// ```
/// use rrcore::records::{Framing, RecordTooLong, Records};
///
/// let mut records = Records::new(Framing::EventStream, 1024);
/// let mut data = Vec::new();
/// for chunk in ["event: usage\nda", "ta: {\"total\":\ndata: 7}\n", "\n: bye\n\n"] {
///     records.push(chunk.as_bytes(), |record| {
///         data.extend(record.data().map(|it| it.into_owned()));
///         Ok::<_, RecordTooLong>(())
///     })?;
/// }
/// assert_eq!(data, [b"{\"total\":\n7}"]);
/// # Ok::<_, RecordTooLong>(())
/// ```
#[derive(Clone)]
pub struct Records {
    framing: Framing,
    most: usize,
    held: Vec<u8>,
    // Where in `held` the last line begins.
    line: usize,
    after_cr: bool,
    is_first: bool,
}

/// One record of a stream: an event, or a line.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    framing: Framing,
    raw: &'a [u8],
    is_complete: bool,
}

/// A record is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordTooLong;

impl Records {
    /// Cuts into records of at most `most` bytes, with what ends them.
    #[must_use]
    pub const fn new(framing: Framing, most: usize) -> Self {
        let held = Vec::new();
        Self { framing, most, held, line: 0, after_cr: false, is_first: true }
    }

    /// Takes the next bytes of the stream, and gives each record that ends in them to `each`.
    ///
    /// # Errors
    ///
    /// [`RecordTooLong`], and as `each`; then the stream cannot go on.
    pub fn push<E: From<RecordTooLong>>(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = chunk;
        while let Some((first, after)) = rest.split_first() {
            let is_second_half = std::mem::take(&mut self.after_cr) && *first == b'\n';
            if is_second_half {
                rest = after;
                self.hold(&[*first])?;
                self.line = self.held.len();
                // All that was held ended with the CR.
                if self.held.len() == 1 {
                    self.give(&mut each)?;
                }
                continue;
            }
            let end = match self.framing {
                Framing::EventStream => rest.iter().position(|it| matches!(it, b'\n' | b'\r')),
                Framing::Lines => rest.iter().position(|it| *it == b'\n'),
            };
            let Some(end) = end else { return Ok(self.hold(rest)?) };
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            self.hold(line)?;
            self.after_cr = line.last() == Some(&b'\r');
            if self.framing == Framing::Lines || self.is_at_empty_line() {
                self.give(&mut each)?;
            } else {
                self.line = self.held.len();
            }
        }
        Ok(())
    }

    /// Ends the stream, and gives what is left of it, if anything is: a line that has no end, which is
    /// a record all the same, or an event without its empty line, which the standard drops.
    ///
    /// # Errors
    ///
    /// As `each`.
    pub fn finish<E>(&mut self, each: impl FnOnce(Record<'_>) -> Result<(), E>) -> Result<(), E> {
        let held = std::mem::take(&mut self.held);
        let raw = self.without_mark(&held);
        if raw.is_empty() {
            return Ok(());
        }
        let is_complete = self.framing == Framing::Lines;
        each(Record { framing: self.framing, raw, is_complete })
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), RecordTooLong> {
        if self.held.len().saturating_add(bytes.len()) > self.most {
            return Err(RecordTooLong);
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn give<E>(&mut self, each: impl FnOnce(Record<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut held = std::mem::take(&mut self.held);
        let raw = self.without_mark(&held);
        let given = each(Record { framing: self.framing, raw, is_complete: true });
        // One long record is no reason to hold on to its memory.
        if held.capacity() <= KEPT {
            held.clear();
            self.held = held;
        }
        self.line = 0;
        self.is_first = false;
        given
    }

    // The line that has just ended has nothing in it.
    fn is_at_empty_line(&self) -> bool {
        let line = self.held.get(self.line..).unwrap_or_default();
        let line = if self.line == 0 { self.without_mark(line) } else { line };
        line.len() == 1
    }

    // A stream may begin with a byte order mark, which is no part of its first record.
    fn without_mark<'a>(&self, held: &'a [u8]) -> &'a [u8] {
        held.strip_prefix(MARK).filter(|_| self.is_first).unwrap_or(held)
    }
}

impl<'a> Record<'a> {
    /// Its bytes, with what ended it, but without the byte order mark of the stream.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether it was ended by what ends records, or is a line. What is not complete may have been cut
    /// short anywhere.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// What it carries: the values of an event's `data` fields, joined by LF, or the line without its
    /// end. `None` where there is none: for comments, and for blank lines.
    #[must_use]
    pub fn data(&self) -> Option<Cow<'a, [u8]>> {
        match self.framing {
            Framing::EventStream => event::data(self.raw),
            Framing::Lines => {
                let line = self.raw.strip_suffix(b"\n").unwrap_or(self.raw);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                (!line.trim_ascii().is_empty()).then_some(Cow::Borrowed(line))
            }
        }
    }

    /// The type of an event; `None` for one without, and for a line.
    #[must_use]
    pub fn event(&self) -> Option<&'a [u8]> {
        match self.framing {
            Framing::EventStream => event::kind(self.raw),
            Framing::Lines => None,
        }
    }

    /// Appends the record to `out`, with `data` for what it carries.
    ///
    /// Of an event, the fields `event`, `id` and `retry` stay, and of comments that there was one;
    /// what nobody reads goes. What is not complete is not completed.
    pub fn write_with(&self, data: Option<&[u8]>, out: &mut Vec<u8>) {
        match self.framing {
            Framing::EventStream => event::write(self.raw, self.is_complete, data, out),
            Framing::Lines => {
                // A line has no room for lines.
                let line = data.unwrap_or_default().iter();
                out.extend(line.map(|it| if *it == b'\n' { b' ' } else { *it }));
                if self.raw.ends_with(b"\n") {
                    out.push(b'\n');
                }
            }
        }
    }
}

// What passes is not for logs.
impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("framing", &self.framing)
            .field("most", &self.most)
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("framing", &self.framing)
            .field("bytes", &self.raw.len())
            .field("is_complete", &self.is_complete)
            .finish()
    }
}

impl fmt::Display for RecordTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record is too long")
    }
}

impl std::error::Error for RecordTooLong {}

const MARK: &[u8] = b"\xef\xbb\xbf";
const KEPT: usize = 64 * 1024;
