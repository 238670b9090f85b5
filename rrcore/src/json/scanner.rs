//! Checks a document chunk by chunk and says what it sees, however it was cut.

use super::error::{Error, ErrorKind, Fault, Progress};
use super::escape::unescape;
use super::event::{Event, Sink};
use super::keys::Keys;
use super::number::Number;
use super::text::Text;

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
/// [`Event::Space`] and [`Event::Scalar`]. Memory: one key, and of each open object up to 32 names
/// or the hashes of more.
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
            keys: Keys::default(),
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
        let mut rest = chunk;
        while !rest.is_empty() {
            let used = self.step(rest, sink).map_err(|(at, kind)| self.fail(at, kind))?;
            self.offset += used as u64;
            rest = rest.get(used..).unwrap_or_default();
        }
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
            sink.event(Event::Scalar { raw: b"", last: true });
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

    // Reads one token or a piece of one; says how many bytes that took.
    fn step<S: Sink + ?Sized>(&mut self, bytes: &[u8], sink: &mut S) -> Result<usize, Fault> {
        let Progress { used, done } = match &mut self.token {
            Token::None => return self.structure(bytes, sink),
            Token::Mark { .. } => return self.skip_mark(bytes),
            Token::Key(text) => {
                let progress = text.read(bytes)?;
                return self.key(bytes, progress, sink);
            }
            Token::Text(text) => text.read(bytes)?,
            Token::Number(number) => number.read(bytes)?,
            Token::Word { left } => read_word(left, bytes)?,
        };
        sink.event(Event::Scalar { raw: bytes.get(..used).unwrap_or_default(), last: done });
        if done {
            self.end_value();
        }
        Ok(used)
    }

    fn structure<S: Sink + ?Sized>(&mut self, bytes: &[u8], sink: &mut S) -> Result<usize, Fault> {
        let Some(&byte) = bytes.first() else { return Ok(0) };
        let event = match (self.expect, byte) {
            (_, b' ' | b'\t' | b'\n' | b'\r') => {
                let is_space = |it: &u8| matches!(it, b' ' | b'\t' | b'\n' | b'\r');
                let length = bytes.iter().position(|it| !is_space(it)).unwrap_or(bytes.len());
                sink.event(Event::Space(bytes.get(..length).unwrap_or_default()));
                return Ok(length);
            }
            (Expect::Value | Expect::ValueOrEnd, b'{') => self.begin(Container::Object)?,
            (Expect::Value | Expect::ValueOrEnd, b'[') => self.begin(Container::Array)?,
            (Expect::ValueOrEnd | Expect::CommaOrEnd, b']') => self.end(Container::Array)?,
            (Expect::KeyOrEnd | Expect::CommaOrEnd, b'}') => self.end(Container::Object)?,
            (Expect::CommaOrEnd, b',') => {
                let in_object = self.open.last() == Some(&Container::Object);
                self.expect = if in_object { Expect::Key } else { Expect::Value };
                Event::Comma
            }
            (Expect::Colon, b':') => {
                self.expect = Expect::Value;
                Event::Colon
            }
            // A token reads its own first byte.
            (Expect::Key | Expect::KeyOrEnd, b'"') => {
                self.token = Token::Key(Text::Start);
                return Ok(0);
            }
            (Expect::Value | Expect::ValueOrEnd, _) => {
                self.token = scalar(byte).ok_or((0, ErrorKind::Unexpected))?;
                return Ok(0);
            }
            (Expect::Nothing, _) => return Err((0, ErrorKind::Trailing)),
            _ => return Err((0, ErrorKind::Unexpected)),
        };
        sink.event(event);
        Ok(1)
    }

    fn begin(&mut self, container: Container) -> Result<Event<'static>, Fault> {
        if self.open.len() >= self.limits.depth {
            return Err((0, ErrorKind::TooDeep));
        }
        self.open.push(container);
        match container {
            Container::Object => {
                self.keys.open();
                self.expect = Expect::KeyOrEnd;
                Ok(Event::BeginObject)
            }
            Container::Array => {
                self.expect = Expect::ValueOrEnd;
                Ok(Event::BeginArray)
            }
        }
    }

    fn end(&mut self, container: Container) -> Result<Event<'static>, Fault> {
        if self.open.last() != Some(&container) {
            return Err((0, ErrorKind::Unexpected));
        }
        self.open.pop();
        self.end_value();
        match container {
            Container::Object => {
                self.keys.close();
                Ok(Event::EndObject)
            }
            Container::Array => Ok(Event::EndArray),
        }
    }

    fn end_value(&mut self) {
        self.token = Token::None;
        self.expect = if self.open.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
    }

    fn key<S: Sink + ?Sized>(
        &mut self,
        bytes: &[u8],
        Progress { used, done }: Progress,
        sink: &mut S,
    ) -> Result<usize, Fault> {
        let piece = bytes.get(..used).unwrap_or_default();
        if !done {
            self.key.extend_from_slice(piece);
            return Ok(used);
        }
        // Most keys lie in one chunk, and are not copied.
        let raw = if self.key.is_empty() {
            piece
        } else {
            self.key.extend_from_slice(piece);
            &self.key
        };
        let name = unescape(raw);
        if !self.keys.insert(&name) {
            return Err((used.saturating_sub(1), ErrorKind::DuplicateKey));
        }
        sink.event(Event::Key { raw, name: &name });
        self.key.clear();
        self.token = Token::None;
        self.expect = Expect::Colon;
        Ok(used)
    }

    // RFC 8259 §8.1: a parser may ignore the mark. It gets no event: nobody should write one.
    fn skip_mark(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let Token::Mark { left } = &mut self.token else { return Ok(0) };
        let absent =
            left.len() == BYTE_ORDER_MARK.len() && bytes.first() != BYTE_ORDER_MARK.first();
        let progress =
            if absent { Progress { used: 0, done: true } } else { read_word(left, bytes)? };
        if progress.done {
            self.token = Token::None;
        }
        Ok(progress.used)
    }
}

// The token that starts with this byte, if it is no structure.
const fn scalar(byte: u8) -> Option<Token> {
    match byte {
        b'"' => Some(Token::Text(Text::Start)),
        b'-' | b'0'..=b'9' => Some(Token::Number(Number::Start)),
        b't' => Some(Token::Word { left: b"true" }),
        b'f' => Some(Token::Word { left: b"false" }),
        b'n' => Some(Token::Word { left: b"null" }),
        _ => None,
    }
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
