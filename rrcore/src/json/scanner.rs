//! Checks a document chunk by chunk and says what it sees, however it was cut.

use super::error::{Error, ErrorKind, Fault, Progress};
use super::escape::unescape;
use super::event::{Event, Sink};
use super::structure::{Container, Structure};
use super::text::{Text, plain_string};
use super::token::{Token, space};

/// What a document may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many arrays and objects may be open at once: 128 unless told.
    pub depth: usize,
}

/// A JSON text (RFC 8259) on its way.
///
/// Strict: UTF-8 only (a byte order mark at the start is skipped), nothing before or after the one
/// value but whitespace, no two members of one name in an object (compared after undoing escapes).
/// Half a surrogate pair as an escape passes as it is: the grammar has it.
///
/// What it tells does not depend on how the document was cut, but for the pieces of
/// [`Event::Space`] and [`Event::Scalar`]. Memory: one key, and a hash of 8 bytes for each name in
/// an open object.
#[derive(Clone, Debug)]
pub struct Scanner {
    offset: u64,
    token: Token,
    structure: Structure,
    // The key that is being read, as far as earlier chunks had it.
    key: Vec<u8>,
    failed: Option<Error>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 128 }
    }
}

impl Limits {
    /// Allows `depth` arrays and objects to be open at once.
    #[must_use]
    pub const fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }
}

impl Scanner {
    /// Waits for the first byte of a document.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            offset: 0,
            token: Token::mark(),
            structure: Structure::new(limits.depth),
            key: Vec::new(),
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
            self.structure.end_value();
        }
        match self.token {
            Token::None if self.structure.is_complete() => Ok(()),
            _ => Err(self.fail(0, ErrorKind::Truncated)),
        }
    }

    fn fail(&mut self, at: usize, kind: ErrorKind) -> Error {
        *self.failed.insert(Error { offset: self.offset + at as u64, kind })
    }

    // Each byte decides alone what comes next. The sink is told in as many places as there are kinds
    // of events, so that what it does with each can be compiled into this loop.
    fn read<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), Fault> {
        let mut at = match self.token {
            Token::None => 0,
            _ if chunk.is_empty() => 0,
            token => self.token(token, chunk, 0, sink)?,
        };
        while let Some(&byte) = chunk.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'"' => at = self.string(chunk, start, sink)?,
                b',' => {
                    self.structure.comma(start)?;
                    sink.event(Event::Comma, at);
                }
                b':' => {
                    self.structure.colon(start)?;
                    sink.event(Event::Colon, at);
                }
                b' ' | b'\t' | b'\n' | b'\r' => {
                    let space = space(chunk.get(start..).unwrap_or_default());
                    at = start + space.len();
                    sink.event(Event::Space(space), at);
                }
                b'{' => {
                    self.structure.begin(Container::Object, start)?;
                    sink.event(Event::BeginObject, at);
                }
                b'[' => {
                    self.structure.begin(Container::Array, start)?;
                    sink.event(Event::BeginArray, at);
                }
                b'}' => {
                    self.structure.end(Container::Object, start)?;
                    sink.event(Event::EndObject, at);
                }
                b']' => {
                    self.structure.end(Container::Array, start)?;
                    sink.event(Event::EndArray, at);
                }
                _ => {
                    self.structure.value(start)?;
                    let token = Token::scalar(byte).ok_or((start, ErrorKind::Unexpected))?;
                    at = self.token(token, chunk, start, sink)?;
                }
            }
        }
        Ok(())
    }

    // Most strings lie in one chunk and have nothing special in them.
    fn string<S: Sink + ?Sized>(
        &mut self,
        chunk: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let is_name = self.structure.is_name(at)?;
        let Some((raw, said)) = plain_string(chunk.get(at..).unwrap_or_default()) else {
            let token = if is_name { Token::Key(Text::Start) } else { Token::Text(Text::Start) };
            return self.token(token, chunk, at, sink);
        };
        let end = at + raw.len();
        if is_name {
            self.structure.name(said, end)?;
            sink.event(Event::Key { raw, name: said }, end);
        } else {
            self.structure.end_value();
            sink.event(Event::Scalar { raw, last: true }, end);
        }
        Ok(end)
    }

    // Begins a token or reads on in it; says where it or the chunk ends.
    fn token<S: Sink + ?Sized>(
        &mut self,
        mut token: Token,
        chunk: &[u8],
        at: usize,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let bytes = chunk.get(at..).unwrap_or_default();
        let Progress { used, done } =
            token.read(bytes).map_err(|(used, kind)| (at + used, kind))?;
        self.token = if done { Token::None } else { token };
        let (raw, end) = (bytes.get(..used).unwrap_or_default(), at + used);
        match token {
            Token::Key(_) => self.key(raw, done, end, sink)?,
            Token::Text(_) | Token::Number(_) | Token::Word { .. } => {
                if done {
                    self.structure.end_value();
                }
                sink.event(Event::Scalar { raw, last: done }, end);
            }
            // RFC 8259 §8.1: a parser may ignore the mark. It gets no event: nobody should write one.
            Token::Mark { .. } | Token::None => {}
        }
        Ok(end)
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
            self.structure.name(name.as_bytes(), end)?;
            sink.event(Event::Key { raw, name: name.as_bytes() }, end);
            key.clear();
        }
        self.key = key;
        Ok(())
    }
}
