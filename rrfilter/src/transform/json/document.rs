//! A JSON document as text, and the few ways in which it is cut.

use std::ops::Range;

use rrcore::json::{Event, Limits, Scanner, quote};

use super::pointer::JsonPointer;
use super::walk::{Child, Children, end};
use crate::transform::fault::Fault;

/// A document (RFC 8259) that is changed in its text. Always valid, and at most `limit` bytes.
///
/// Each change takes time linear in the text.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    text: Vec<u8>,
    limit: usize,
}

/// Where a pointer leads.
#[derive(Debug)]
pub(super) enum Place {
    /// To the whole document.
    Root,
    /// To a value, here.
    Found(Found),
    /// To a member of an object that has none of this name.
    NoMember { object: usize },
    /// Behind the last element of an array.
    ArrayEnd { array: usize },
    /// Into an object that has no member of this name, `depth` steps down the pointer.
    NoWay { object: usize, depth: usize },
    /// To what cannot be: into a scalar, or beyond the end of an array.
    Nowhere,
}

#[derive(Debug)]
pub(super) struct Found {
    pub(super) value: Range<usize>,
    pub(super) is_member: bool,
    start: usize,
    previous_end: Option<usize>,
    next_start: Option<usize>,
}

impl Document {
    /// Reads `content`, and holds at most `limit` bytes of what becomes of it.
    pub(crate) fn read(content: &[u8], limit: usize) -> Result<Self, Fault> {
        let mut scanner = Scanner::new(Limits::default());
        let mut nobody = |_: Event<'_>| {};
        scanner.push(content, &mut nobody)?;
        scanner.finish(&mut nobody)?;
        let text = content.strip_prefix(MARK).unwrap_or(content);
        Self::valid(text.trim_ascii().to_vec(), limit)
    }

    /// A text that was made as JSON.
    pub(crate) fn valid(text: Vec<u8>, limit: usize) -> Result<Self, Fault> {
        if text.len() > limit {
            return Err(Fault::TooLarge);
        }
        Ok(Self { text, limit })
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn into_text(self) -> Vec<u8> {
        self.text
    }

    pub(super) fn find(&self, pointer: &JsonPointer) -> Place {
        let tokens = pointer.tokens();
        let (mut at, mut place) = (0, Place::Root);
        for (depth, token) in tokens.iter().enumerate() {
            let is_last = depth + 1 == tokens.len();
            place = match self.step(at, token) {
                Place::NoMember { object } if !is_last => return Place::NoWay { object, depth },
                Place::ArrayEnd { .. } if !is_last => return Place::Nowhere,
                place => place,
            };
            match &place {
                Place::Found(found) => at = found.value.start,
                Place::NoMember { .. } | Place::ArrayEnd { .. } => return place,
                Place::Root | Place::NoWay { .. } | Place::Nowhere => return Place::Nowhere,
            }
        }
        place
    }

    // One step down from the value that starts at `at`.
    fn step(&self, at: usize, token: &str) -> Place {
        let Some(children) = Children::of(&self.text, at) else { return Place::Nowhere };
        if children.are_members() {
            let found = found(children, |_, it| it.is_named(&self.text, token));
            return found.map_or(Place::NoMember { object: at }, Place::Found);
        }
        if token == "-" {
            return Place::ArrayEnd { array: at };
        }
        let Some(index) = index(token) else { return Place::Nowhere };
        match found(children.clone(), |position, _| position == index) {
            Some(found) => Place::Found(found),
            None if children.count() == index => Place::ArrayEnd { array: at },
            None => Place::Nowhere,
        }
    }

    /// The value that a pointer leads to.
    pub(crate) fn get(&self, pointer: &JsonPointer) -> Option<&[u8]> {
        match self.find(pointer) {
            Place::Root => Some(&self.text),
            Place::Found(found) => self.text.get(found.value),
            Place::NoMember { .. }
            | Place::ArrayEnd { .. }
            | Place::NoWay { .. }
            | Place::Nowhere => None,
        }
    }

    pub(crate) fn become_value(&mut self, value: &[u8]) -> Result<(), Fault> {
        let value = value.to_vec();
        *self = Self::valid(value, self.limit)?;
        Ok(())
    }

    pub(super) fn replace(&mut self, range: Range<usize>, pieces: &[&[u8]]) -> Result<(), Fault> {
        let before = self.text.get(..range.start).unwrap_or_default();
        let after = self.text.get(range.end..).unwrap_or_default();
        let added: usize = pieces.iter().map(|it| it.len()).sum();
        if before.len().saturating_add(added).saturating_add(after.len()) > self.limit {
            return Err(Fault::TooLarge);
        }
        self.text = [&[before], pieces, &[after]].concat().concat();
        Ok(())
    }

    /// Takes a value out, with its name and one comma.
    pub(super) fn cut(&mut self, found: &Found) -> Result<(), Fault> {
        let range = match (found.previous_end, found.next_start) {
            (_, Some(next)) => found.start..next,
            (Some(previous), None) => previous..found.value.end,
            (None, None) => found.start..found.value.end,
        };
        self.replace(range, &[])
    }

    /// Puts an element before another one.
    pub(super) fn insert(&mut self, before: &Found, value: &[u8]) -> Result<(), Fault> {
        self.replace(before.start..before.start, &[value, b","])
    }

    /// Puts an element or a member (with a name) at the end of the container at `at`.
    pub(super) fn push(
        &mut self,
        at: usize,
        name: Option<&str>,
        value: &[u8],
    ) -> Result<(), Fault> {
        let last = Children::of(&self.text, at).and_then(Iterator::last).map(|it| it.value.end);
        let comma: &[u8] = if last.is_some() { b"," } else { b"" };
        let at = last.unwrap_or(at + 1);
        match name {
            None => self.replace(at..at, &[comma, value]),
            Some(name) => self.replace(at..at, &[comma, quote(name).as_bytes(), b":", value]),
        }
    }

    /// Gives a member another name, at its place.
    pub(super) fn rename(&mut self, found: &Found, name: &str) -> Result<(), Fault> {
        let old = found.start..end(&self.text, found.start);
        self.replace(old, &[quote(name).as_bytes()])
    }
}

fn found(children: Children<'_>, is_it: impl Fn(usize, &Child) -> bool) -> Option<Found> {
    let mut previous_end = None;
    let mut children = children.enumerate();
    while let Some((position, child)) = children.next() {
        if is_it(position, &child) {
            let next_start = children.next().map(|(_, it)| it.start());
            let (start, is_member) = (child.start(), child.name.is_some());
            return Some(Found { value: child.value, is_member, start, previous_end, next_start });
        }
        previous_end = Some(child.value.end);
    }
    None
}

// RFC 6901 §4: no leading zeros, no signs.
fn index(token: &str) -> Option<usize> {
    let is_plain = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| is_plain)
}

// RFC 8259 §8.1: may be ignored.
const MARK: &[u8] = b"\xef\xbb\xbf";
