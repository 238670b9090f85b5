//! Checks a document chunk by chunk and says what it sees, however it was cut.

use super::bracket::{begin, end};
use super::error::{Error, ErrorKind, Fault, Progress};
use super::escape::unescape;
use super::event::{Event, Silent, Sink};
use super::follow::{blanks, colon, comma};
use super::keys::{Duplicate, Keys};
use super::limits::Limits;
use super::number::{Number, whole_number};
use super::shifted::Shifted;
use super::structure::{Expect, Structure};
use super::text::{Text, plain_string};
use super::token::{Token, is_blank, whole_word};

/// A JSON text (RFC 8259) on its way.
///
/// Strict: UTF-8 only (a byte order mark at the start is skipped), nothing before or after the one
/// value but whitespace, no two members of one name in an object (compared after undoing escapes).
/// Half a surrogate pair as an escape passes as it is: the grammar has it.
///
/// What it tells does not depend on how the document was cut, but for the pieces of
/// [`Event::Space`] and [`Event::Scalar`], and of what is skipped. Memory: one key, a hash of 8
/// bytes for each name in an open object, as far as the [`Limits`] say, and up to 64 KiB of names to
/// recognise.
#[derive(Clone, Debug)]
pub struct Scanner {
    offset: u64,
    limits: Limits,
    token: Token,
    // After the token that is being read, if any.
    expect: Expect,
    structure: Structure,
    // The key that is being read, as far as earlier chunks had it.
    key: Vec<u8>,
    // The sink is not told of what is in a container: so many are open with it.
    skipping: Option<usize>,
    failed: Option<Error>,
}

impl Scanner {
    /// Waits for the first byte of a document.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            offset: 0,
            limits,
            token: Token::mark(),
            expect: Expect::Document,
            structure: Structure::new(limits.depth, Keys::new(limits.names)),
            key: Vec::new(),
            skipping: None,
            failed: None,
        }
    }

    /// Takes the next bytes of the document.
    ///
    /// # Errors
    ///
    /// When they cannot be part of one. Then, and ever after: the same error.
    pub fn push<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), Error> {
        self.failed.map_or(Ok(()), Err)?;
        // Where the limit on names begins to hold is a matter of bytes, not of chunks.
        let held = self.limits.names_after.saturating_sub(self.offset);
        let held = usize::try_from(held).unwrap_or(usize::MAX);
        self.structure.keys.limited(held == 0);
        if held == 0 || held >= chunk.len() {
            return self.take(chunk, sink);
        }
        let (first, rest) = chunk.split_at_checked(held).unwrap_or((chunk, &[]));
        self.take(first, sink)?;
        self.structure.keys.limited(true);
        self.take(rest, &mut Shifted { sink, by: first.len() })
    }

    fn take<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), Error> {
        self.read(chunk, sink).map_err(|(at, kind)| self.fail(at, kind))?;
        self.offset += chunk.len() as u64;
        Ok(())
    }

    /// Says that there are no more bytes.
    ///
    /// # Errors
    ///
    /// When the document is not complete.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Error> {
        self.failed.map_or(Ok(()), Err)?;
        if matches!(self.token, Token::Number(number) if number.may_end()) {
            sink.event(Event::Scalar { raw: b"", last: true }, 0);
            self.token = Token::None;
        }
        match self.token {
            Token::None if self.expect == Expect::Nothing => Ok(()),
            _ => Err(self.fail(0, ErrorKind::Truncated)),
        }
    }

    fn fail(&mut self, at: usize, kind: ErrorKind) -> Error {
        *self.failed.insert(Error { offset: self.offset + at as u64, kind })
    }

    fn read<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), Fault> {
        let mut at = 0;
        while at < chunk.len() {
            at = match self.skipping {
                None => self.run(chunk, at, 0, sink)?,
                Some(open) => self.skip(chunk, at, open, sink)?,
            };
        }
        Ok(())
    }

    fn skip<S: Sink + ?Sized>(
        &mut self,
        chunk: &[u8],
        at: usize,
        open: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let read = self.run(chunk, at, open, &mut Silent);
        let end = read.unwrap_or_else(|(fault, _)| fault);
        let is_over = read.is_ok() && self.structure.open() < open;
        sink.skipped(chunk.get(at..end).unwrap_or_default(), end, is_over);
        if is_over {
            self.skipping = None;
        }
        read
    }

    // Reads on until the chunk ends, fewer than `floor` containers are open, or the sink wants to
    // skip. The sink is told in as many places as there are kinds of events, so that what it does
    // with each can be compiled into this loop.
    fn run<S: Sink + ?Sized>(
        &mut self,
        chunk: &[u8],
        mut at: usize,
        floor: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        if !matches!(self.token, Token::None) {
            at = self.token(self.token, chunk, at, sink)?;
        }
        let mut expect = self.expect;
        while let Some(&byte) = chunk.get(at) {
            match expect {
                Expect::Key | Expect::KeyOrEnd if byte == b'"' => {
                    (at, expect) = self.name(chunk, at, sink)?;
                }
                Expect::Member | Expect::Element | Expect::ElementOrEnd | Expect::Document
                    if matches!(byte, b'{' | b'[') =>
                {
                    (at, expect) = (at + 1, begin(&mut self.structure, byte, at, sink)?);
                    if sink.skips() {
                        self.skipping = Some(self.structure.open());
                        break;
                    }
                }
                _ if matches!(byte, b'}' | b']') => {
                    (at, expect) = (at + 1, end(&mut self.structure, expect, byte, at, sink)?);
                    if self.structure.open() < floor {
                        break;
                    }
                }
                // Last, as where documents are large there are few.
                _ if is_blank(byte) => at = blanks(chunk, at, sink),
                _ => (at, expect) = self.between(expect, byte, chunk, at, sink)?,
            }
        }
        self.expect = expect;
        Ok(at)
    }

    // Takes a scalar, or what is between tokens of more than one byte.
    #[inline(always)]
    fn between<S: Sink + ?Sized>(
        &mut self,
        expect: Expect,
        byte: u8,
        chunk: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<(usize, Expect), Fault> {
        match expect {
            Expect::Member | Expect::Element | Expect::ElementOrEnd | Expect::Document => {
                let end = self.scalar(byte, chunk, at, sink)?;
                Ok(comma(chunk, end, expect.after_value(), sink))
            }
            Expect::MemberEnd | Expect::ElementEnd if byte == b',' => {
                Ok(comma(chunk, at, expect, sink))
            }
            Expect::Colon if byte == b':' => Ok(colon(chunk, at, sink)),
            Expect::Nothing => Err((at, ErrorKind::Trailing)),
            _ => Err((at, ErrorKind::Unexpected)),
        }
    }

    // Most names came in this place before; or lie in one chunk and have nothing special in them.
    #[inline(always)]
    fn name<S: Sink + ?Sized>(
        &mut self,
        chunk: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<(usize, Expect), Fault> {
        let bytes = chunk.get(at..).unwrap_or_default();
        if let Some((length, number)) = self.structure.keys.insert_known(bytes) {
            let raw = bytes.get(..length).unwrap_or_default();
            let name = raw.get(1..length - 1).unwrap_or_default();
            let end = at + length;
            sink.event(Event::Key { raw, name, number }, end);
            sink.event(Event::Colon, end + 1);
            return Ok((end + 1, Expect::Member));
        }
        let end = self.new_name(bytes, chunk, at, sink)?;
        Ok(colon(chunk, end, sink))
    }

    #[inline(always)]
    fn new_name<S: Sink + ?Sized>(
        &mut self,
        bytes: &[u8],
        chunk: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let plain = plain_string(bytes);
        let Some((raw, name)) = plain.filter(|it| it.0.len() <= self.limits.key) else {
            return self.token(Token::Key(Text::Start), chunk, at, sink);
        };
        let end = at + raw.len();
        let number = self.structure.keys.insert(raw, name);
        let number = number.map_err(|Duplicate| (end - 1, ErrorKind::DuplicateKey))?;
        sink.event(Event::Key { raw, name, number }, end);
        Ok(end)
    }

    // The same for values.
    #[inline(always)]
    fn scalar<S: Sink + ?Sized>(
        &mut self,
        byte: u8,
        chunk: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let bytes = chunk.get(at..).unwrap_or_default();
        let (whole, token) = match byte {
            b'"' => (plain_string(bytes).map(|it| it.0), Token::Text(Text::Start)),
            b'-' | b'0'..=b'9' => (whole_number(bytes), Token::Number(Number::Start)),
            _ => (whole_word(bytes), Token::word(byte).ok_or((at, ErrorKind::Unexpected))?),
        };
        let Some(raw) = whole else { return self.token(token, chunk, at, sink) };
        let end = at + raw.len();
        sink.event(Event::Scalar { raw, last: true }, end);
        Ok(end)
    }

    // Begins a token or reads on in it; says where it or the chunk ends.
    #[inline(never)]
    fn token<S: Sink + ?Sized>(
        &mut self,
        mut token: Token,
        chunk: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let bytes = chunk.get(at..).unwrap_or_default();
        let read = token.read(bytes);
        if let Token::Key(_) = token {
            self.check_length(at, read.map_or_else(|fault| fault.0, |it| it.used))?;
        }
        let Progress { used, done } = read.map_err(|(used, kind)| (at + used, kind))?;
        self.token = if done { Token::None } else { token };
        let (raw, end) = (bytes.get(..used).unwrap_or_default(), at + used);
        match token {
            Token::Key(_) => self.key(raw, done, end, sink)?,
            Token::Text(_) | Token::Number(_) | Token::Word { .. } => {
                sink.event(Event::Scalar { raw, last: done }, end);
            }
            // RFC 8259 §8.1: a parser may ignore the mark. It gets no event: nobody should write one.
            Token::Mark { .. } | Token::None => {}
        }
        Ok(end)
    }

    // The first byte beyond the limit is what is wrong, also where the key has another fault after it.
    fn check_length(&self, at: usize, used: usize) -> Result<(), Fault> {
        if self.key.len() + used > self.limits.key {
            return Err((at + (self.limits.key - self.key.len()), ErrorKind::KeyTooLong));
        }
        Ok(())
    }

    fn key<S: Sink + ?Sized>(
        &mut self,
        piece: &[u8],
        done: bool,
        end: usize,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let mut raw = piece;
        let mut key = std::mem::take(&mut self.key);
        if !done || !key.is_empty() {
            key.extend_from_slice(piece);
            raw = &key;
        }
        if done {
            let name = unescape(raw);
            let number = self.structure.keys.insert(raw, name.as_bytes());
            let number =
                number.map_err(|Duplicate| (end.saturating_sub(1), ErrorKind::DuplicateKey))?;
            sink.event(Event::Key { raw, name: name.as_bytes(), number }, end);
            key.clear();
        }
        self.key = key;
        Ok(())
    }
}
