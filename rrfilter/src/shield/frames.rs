//! Secrets in what a server sends over WebSocket (RFC 6455).

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

use super::{Masker, Patterns};

/// Masks the secrets of one request in the frames that the server sends after its upgrade.
///
/// Frames keep their size. A secret is found in text and binary messages, also where the message
/// comes in several frames with others between them, and in what control frames say. Held back is what
/// may yet turn out to be a secret, and what follows it.
///
/// ```
/// use rrcore::{Clock, Context, InjectedSecret};
/// use rrfilter::FrameShield;
///
/// let context = Context::new(&Clock::system());
/// context.add_injected(InjectedSecret::new(b"sk_live_1".to_vec()));
/// let mut shield = FrameShield::of(&context).unwrap();
/// assert_eq!(shield.push(b"\x01\x07sk_live")?.len(), 2, "the rest may be the secret");
/// assert_eq!(shield.push(b"\x89\x00\x80\x03_1!")?, b"*******\x89\x00\x80\x03**!"[..]);
/// # Ok::<(), rrfilter::BrokenFrames>(())
/// ```
///
/// # Caveats
///
/// Compressed messages (RFC 7692) are broken frames here. [`EchoShield`](crate::EchoShield) takes the
/// offer of that out of the request.
pub struct FrameShield {
    patterns: Patterns,
    masker: Masker,
    reading: Reading,
    // Between the first frame of a message and its last.
    in_message: bool,
    // What goes out next, in order.
    queue: VecDeque<Piece>,
    // What is in the frames of messages, as far as it is known to be masked.
    masked: VecDeque<u8>,
    raw: usize,
}

enum Reading {
    Head(Vec<u8>),
    Data { left: u64, is_last: bool },
    Control { frame: Vec<u8>, left: usize, head: usize },
}

enum Piece {
    Raw(Vec<u8>),
    Masked(usize),
}

/// The frames are none that a server may send: nothing of them can be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the frames are not what a server may send over WebSocket")]
#[non_exhaustive]
pub struct BrokenFrames;

impl FrameShield {
    /// Looks for what was injected into the request of `context`; `None` where there is nothing to
    /// look for.
    #[must_use]
    pub fn of(context: &rrcore::Context) -> Option<Self> {
        Patterns::of(context).map(Self::new)
    }

    pub(super) fn new(patterns: Patterns) -> Self {
        Self {
            masker: Masker::new(patterns.clone()),
            patterns,
            reading: Reading::Head(Vec::new()),
            in_message: false,
            queue: VecDeque::new(),
            masked: VecDeque::new(),
            raw: 0,
        }
    }

    /// Takes what the server sent, and gives what may be passed on.
    ///
    /// # Errors
    ///
    /// When it is not frames, or when frames of control flood in while a message is held back. Close
    /// both connections: where the next frame begins is not known.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Bytes, BrokenFrames> {
        while !bytes.is_empty() {
            bytes = self.read(bytes)?;
        }
        let ready = self.ready();
        if self.raw > MOST_HELD { Err(BrokenFrames) } else { Ok(ready) }
    }

    /// The server is done: gives what was held back.
    pub fn finish(&mut self) -> Bytes {
        self.masked.extend(self.masker.finish());
        self.ready()
    }

    fn read<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], BrokenFrames> {
        match &mut self.reading {
            Reading::Head(head) => {
                let (first, rest) = bytes.split_first().ok_or(BrokenFrames)?;
                head.push(*first);
                let head = head.clone();
                if let Some(left) = payload(&head)? {
                    self.begin(head, left)?;
                }
                Ok(rest)
            }
            Reading::Data { left, is_last } => {
                let len = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                let (data, rest) = bytes.split_at(len);
                *left -= data.len() as u64;
                let (is_over, is_last) = (*left == 0, *is_last);
                self.masked.extend(self.masker.push(Bytes::copy_from_slice(data)));
                match self.queue.back_mut() {
                    Some(Piece::Masked(len)) => *len += data.len(),
                    _ => self.queue.push_back(Piece::Masked(data.len())),
                }
                if is_over {
                    self.end_data(is_last);
                }
                Ok(rest)
            }
            Reading::Control { frame, left, head } => {
                let (data, rest) = bytes.split_at(bytes.len().min(*left));
                frame.extend_from_slice(data);
                *left -= data.len();
                if *left == 0 {
                    let (frame, head) = (std::mem::take(frame), *head);
                    self.end_control(frame, head);
                }
                Ok(rest)
            }
        }
    }

    // A head is whole, and says that so many bytes follow.
    fn begin(&mut self, head: Vec<u8>, left: u64) -> Result<(), BrokenFrames> {
        let first = head.first().copied().unwrap_or_default();
        let (is_last, opcode) = (first & FINAL != 0, first & OPCODE);
        if opcode >= CONTROL {
            let left = usize::try_from(left).map_err(|_| BrokenFrames)?;
            if !is_last || left > MOST_CONTROL {
                return Err(BrokenFrames);
            }
            let len = head.len();
            match left {
                0 => self.end_control(head, len),
                _ => self.reading = Reading::Control { frame: head, left, head: len },
            }
            return Ok(());
        }
        // A message begins where there is none, and goes on where there is one.
        if (opcode == CONTINUATION) != self.in_message {
            return Err(BrokenFrames);
        }
        self.in_message = true;
        self.queue_raw(head);
        match left {
            0 => self.end_data(is_last),
            _ => self.reading = Reading::Data { left, is_last },
        }
        Ok(())
    }

    fn end_data(&mut self, is_last: bool) {
        if is_last {
            self.masked.extend(self.masker.finish());
            self.in_message = false;
        }
        self.reading = Reading::Head(Vec::new());
    }

    fn end_control(&mut self, mut frame: Vec<u8>, head: usize) {
        let said = frame.get(head..).unwrap_or_default();
        if let Some(masked) = Masker::whole(&self.patterns, said) {
            frame.truncate(head);
            frame.extend(masked);
        }
        self.queue_raw(frame);
        self.reading = Reading::Head(Vec::new());
    }

    fn queue_raw(&mut self, bytes: Vec<u8>) {
        self.raw += bytes.len();
        self.queue.push_back(Piece::Raw(bytes));
    }

    fn ready(&mut self) -> Bytes {
        let mut ready = Vec::new();
        while let Some(piece) = self.queue.pop_front() {
            match piece {
                Piece::Raw(bytes) => {
                    self.raw -= bytes.len();
                    ready.extend(bytes);
                }
                Piece::Masked(len) => {
                    let there = len.min(self.masked.len());
                    ready.extend(self.masked.drain(..there));
                    if there < len {
                        self.queue.push_front(Piece::Masked(len - there));
                        break;
                    }
                }
            }
        }
        ready.into()
    }
}

// How many bytes follow `head`; `None` while it is not whole. RFC 6455 §5.2.
fn payload(head: &[u8]) -> Result<Option<u64>, BrokenFrames> {
    let (Some(first), Some(second)) = (head.first(), head.get(1)) else { return Ok(None) };
    // Servers mask nothing, and no extension was asked for.
    let is_known = matches!(first & OPCODE, 0..=2 | 8..=10);
    if first & RESERVED != 0 || second & MASKED != 0 || !is_known {
        return Err(BrokenFrames);
    }
    let rest = head.get(2..).unwrap_or_default();
    match second & LENGTH {
        126 => Ok(rest.try_into().ok().map(|it| u64::from(u16::from_be_bytes(it)))),
        127 => match rest.try_into().ok().map(u64::from_be_bytes) {
            Some(len) if len >> 63 != 0 => Err(BrokenFrames),
            len => Ok(len),
        },
        len => Ok(Some(len.into())),
    }
}

impl fmt::Debug for FrameShield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameShield").finish_non_exhaustive()
    }
}

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const CONTINUATION: u8 = 0;
const CONTROL: u8 = 8;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
const MOST_CONTROL: usize = 125;
// Of heads and control frames, while the message between them is held back.
const MOST_HELD: usize = 64 * 1024;
