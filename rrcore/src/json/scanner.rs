//! Checks a document chunk by chunk and says what it sees, however it was cut.

use super::error::{Error, ErrorKind, Fault, Progress};
use super::escape::unescape;
use super::event::{Event, Sink};
use super::keys::Keys;
use super::number::Number;
use super::text::{Text, plain_string};

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
    limits: Limits,
    offset: u64,
    token: Token,
    expect: Expect,
    open: Vec<Container>,
    keys: Keys,
    // The key that is being read, as far as earlier chunks had it.
    key: Vec<u8>,
    failed: Option<Error>,
}

// What is being read.
#[derive(Clone, Copy, Debug)]
enum Token {
    None,
    Mark { left: &'static [u8] },
    Key(Text),
    Text(Text),
    Number(Number),
    Word { left: &'static [u8] },
}

// What may come next, between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Object,
    Array,
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
            limits,
            offset: 0,
            token: Token::Mark { left: BYTE_ORDER_MARK },
            expect: Expect::Value,
            open: Vec::new(),
            keys: Keys::new(),
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
            self.end_value();
        }
        match (self.token, self.expect) {
            (Token::None, Expect::Nothing) => Ok(()),
            _ => Err(self.fail(0, ErrorKind::Truncated)),
        }
    }

    fn fail(&mut self, at: usize, kind: ErrorKind) -> Error {
        *self.failed.insert(Error { offset: self.offset + at as u64, kind })
    }

    // Each byte decides alone what comes next. The sink is told here and nowhere deeper, so that
    // what it does with each kind of event can be compiled into this loop.
    fn read<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), Fault> {
        let mut at = match self.token {
            _ if chunk.is_empty() => 0,
            Token::None => 0,
            token => self.token(token, chunk, 0, sink)?,
        };
        while let Some(&byte) = chunk.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'"' => at = self.string(chunk, start, sink)?,
                b',' => {
                    self.comma(start)?;
                    sink.event(Event::Comma, at);
                }
                b':' => {
                    self.colon(start)?;
                    sink.event(Event::Colon, at);
                }
                b' ' | b'\t' | b'\n' | b'\r' => {
                    let space = space(chunk, start);
                    at = start + space.len();
                    sink.event(Event::Space(space), at);
                }
                b'{' => {
                    self.begin(Container::Object, start)?;
                    sink.event(Event::BeginObject, at);
                }
                b'[' => {
                    self.begin(Container::Array, start)?;
                    sink.event(Event::BeginArray, at);
                }
                b'}' => {
                    self.end(Container::Object, start)?;
                    sink.event(Event::EndObject, at);
                }
                b']' => {
                    self.end(Container::Array, start)?;
                    sink.event(Event::EndArray, at);
                }
                _ => {
                    let token = self.scalar(byte, start)?;
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
        let is_key = match self.expect {
            Expect::Key | Expect::KeyOrEnd => true,
            Expect::Value | Expect::ValueOrEnd => false,
            Expect::Colon | Expect::CommaOrEnd | Expect::Nothing => return self.refuse(at),
        };
        let Some((raw, said)) = plain_string(chunk.get(at..).unwrap_or_default()) else {
            let token = if is_key { Token::Key(Text::Start) } else { Token::Text(Text::Start) };
            return self.token(token, chunk, at, sink);
        };
        let end = at + raw.len();
        if is_key {
            self.name(said, end)?;
            sink.event(Event::Key { raw, name: said }, end);
        } else {
            self.end_value();
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
                    self.end_value();
                }
                sink.event(Event::Scalar { raw, last: done }, end);
            }
            // RFC 8259 §8.1: a parser may ignore the mark. It gets no event: nobody should write one.
            Token::Mark { .. } | Token::None => {}
        }
        Ok(end)
    }

    fn comma(&mut self, at: usize) -> Result<(), Fault> {
        if self.expect != Expect::CommaOrEnd {
            return self.refuse(at);
        }
        let in_object = self.open.last() == Some(&Container::Object);
        self.expect = if in_object { Expect::Key } else { Expect::Value };
        Ok(())
    }

    fn colon(&mut self, at: usize) -> Result<(), Fault> {
        if self.expect != Expect::Colon {
            return self.refuse(at);
        }
        self.expect = Expect::Value;
        Ok(())
    }

    fn begin(&mut self, container: Container, at: usize) -> Result<(), Fault> {
        if !matches!(self.expect, Expect::Value | Expect::ValueOrEnd) {
            return self.refuse(at);
        }
        if self.open.len() >= self.limits.depth {
            return Err((at, ErrorKind::TooDeep));
        }
        self.open.push(container);
        self.expect = match container {
            Container::Object => {
                self.keys.open();
                Expect::KeyOrEnd
            }
            Container::Array => Expect::ValueOrEnd,
        };
        Ok(())
    }

    fn end(&mut self, container: Container, at: usize) -> Result<(), Fault> {
        let may_be_empty = match container {
            Container::Object => Expect::KeyOrEnd,
            Container::Array => Expect::ValueOrEnd,
        };
        let may_end = self.expect == Expect::CommaOrEnd || self.expect == may_be_empty;
        if !may_end || self.open.last() != Some(&container) {
            return self.refuse(at);
        }
        self.open.pop();
        if container == Container::Object {
            self.keys.close();
        }
        self.end_value();
        Ok(())
    }

    // The number or word that starts with this byte.
    fn scalar(&self, byte: u8, at: usize) -> Result<Token, Fault> {
        let is_expected = matches!(self.expect, Expect::Value | Expect::ValueOrEnd);
        match byte {
            _ if !is_expected => self.refuse(at),
            b'-' | b'0'..=b'9' => Ok(Token::Number(Number::Start)),
            b't' => Ok(Token::Word { left: b"true" }),
            b'f' => Ok(Token::Word { left: b"false" }),
            b'n' => Ok(Token::Word { left: b"null" }),
            _ => self.refuse(at),
        }
    }

    const fn refuse<T>(&self, at: usize) -> Result<T, Fault> {
        match self.expect {
            Expect::Nothing => Err((at, ErrorKind::Trailing)),
            _ => Err((at, ErrorKind::Unexpected)),
        }
    }

    fn end_value(&mut self) {
        self.expect = if self.open.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
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
            self.name(name.as_bytes(), end)?;
            sink.event(Event::Key { raw, name: name.as_bytes() }, end);
            key.clear();
        }
        self.key = key;
        Ok(())
    }

    // An object has a member of this name.
    fn name(&mut self, name: &[u8], end: usize) -> Result<(), Fault> {
        if !self.keys.insert(name) {
            return Err((end.saturating_sub(1), ErrorKind::DuplicateKey));
        }
        self.expect = Expect::Colon;
        Ok(())
    }
}

impl Token {
    fn read(&mut self, bytes: &[u8]) -> Result<Progress, Fault> {
        match self {
            Self::Mark { left } => read_mark(left, bytes),
            Self::Key(text) | Self::Text(text) => text.read(bytes),
            Self::Number(number) => number.read(bytes),
            Self::Word { left } => read_word(left, bytes),
            Self::None => Ok(Progress { used: 0, done: true }),
        }
    }
}

fn space(chunk: &[u8], at: usize) -> &[u8] {
    let bytes = chunk.get(at..).unwrap_or_default();
    let is_space = |it: &&u8| matches!(it, b' ' | b'\t' | b'\n' | b'\r');
    bytes.get(..bytes.iter().take_while(is_space).count()).unwrap_or_default()
}

fn read_mark(left: &mut &'static [u8], bytes: &[u8]) -> Result<Progress, Fault> {
    let is_start = left.len() == BYTE_ORDER_MARK.len();
    if is_start && bytes.first() != BYTE_ORDER_MARK.first() {
        return Ok(Progress { used: 0, done: true });
    }
    read_word(left, bytes)
}

fn read_word(left: &mut &'static [u8], bytes: &[u8]) -> Result<Progress, Fault> {
    let used = left.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    *left = left.get(used..).unwrap_or_default();
    if !left.is_empty() && used < bytes.len() {
        return Err((used, ErrorKind::Unexpected));
    }
    Ok(Progress { used, done: left.is_empty() })
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
