//! Finds values in the text of a document that is known to be valid.
//!
//! Nothing here panics or goes on for ever on text that is not; what it finds there means nothing.

use std::ops::Range;

use rrcore::json::unescape;

/// An element of an array, or a member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// Its name with the quotes, if it is a member.
    pub(super) name: Option<Range<usize>>,
    pub(super) value: Range<usize>,
}

/// What is in a container, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Children<'a> {
    text: &'a [u8],
    at: usize,
    is_object: bool,
}

/// A member, or an element (without a name), as written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: Option<&'a [u8]>,
    pub(crate) value: &'a [u8],
}

/// What is in the object or array that is all of `text`; `None` where that is a scalar.
pub(crate) fn members(text: &[u8]) -> Option<impl Iterator<Item = Member<'_>>> {
    let member = move |it: Child| Member {
        name: it.name.and_then(|it| text.get(it)),
        value: text.get(it.value).unwrap_or_default(),
    };
    Some(Children::of(text, 0)?.map(member))
}

impl Child {
    pub(super) fn start(&self) -> usize {
        self.name.as_ref().map_or(self.value.start, |it| it.start)
    }

    /// Whether it is the member called `name`.
    pub(super) fn is_named(&self, text: &[u8], name: &str) -> bool {
        let raw = self.name.clone().and_then(|it| text.get(it));
        raw.is_some_and(|it| unescape(it) == name)
    }
}

impl<'a> Children<'a> {
    /// Of the value that starts at `at`; `None` where that is a scalar.
    pub(super) fn of(text: &'a [u8], at: usize) -> Option<Self> {
        match text.get(at) {
            Some(b'{') => Some(Self { text, at: at + 1, is_object: true }),
            Some(b'[') => Some(Self { text, at: at + 1, is_object: false }),
            Some(_) | None => None,
        }
    }

    pub(super) const fn are_members(&self) -> bool {
        self.is_object
    }
}

impl Iterator for Children<'_> {
    type Item = Child;

    fn next(&mut self) -> Option<Child> {
        let (text, mut at) = (self.text, blank(self.text, self.at));
        if text.get(at) == Some(&b',') {
            at = blank(text, at + 1);
        }
        if matches!(text.get(at)?, b'}' | b']') {
            return None;
        }
        let mut name = None;
        if self.is_object {
            let end = end(text, at);
            name = Some(at..end);
            // The colon.
            at = blank(text, blank(text, end) + 1);
        }
        let value = at..end(text, at);
        self.at = value.end;
        Some(Child { name, value })
    }
}

/// Where the value ends that starts at `at`.
pub(super) fn end(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'"') => string(text, at),
        Some(b'{' | b'[') => container(text, at),
        Some(_) | None => {
            let rest = text.get(at..).unwrap_or_default();
            let is_over = |it: &u8| matches!(it, b',' | b'}' | b']') || it.is_ascii_whitespace();
            at + rest.iter().position(is_over).unwrap_or(rest.len())
        }
    }
}

fn string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    text.len()
}

fn container(text: &[u8], start: usize) -> usize {
    let (mut at, mut open) = (start, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string(text, at);
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' => open -= 1,
            _ => {}
        }
        at += 1;
        if open == 0 {
            return at;
        }
    }
    text.len()
}

/// Where what is not white space begins, from `at` on.
pub(super) fn blank(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|it| it.is_ascii_whitespace()).count()
}
