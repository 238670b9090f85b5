//! JSON's grammar between tokens (RFC 8259 §2): what may come next, and in what.

use super::error::{ErrorKind, Fault};
use super::keys::Keys;

/// The open containers, and what the innermost one waits for.
#[derive(Clone, Debug)]
pub(super) struct Structure {
    expect: Expect,
    open: Vec<Container>,
    depth: usize,
    keys: Keys,
}

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
pub(super) enum Container {
    Object,
    Array,
}

impl Structure {
    /// Waits for one value, in which `depth` containers may be open at once.
    pub(super) fn new(depth: usize) -> Self {
        Self { expect: Expect::Value, open: Vec::new(), depth, keys: Keys::new() }
    }

    /// Whether the document may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.expect == Expect::Nothing
    }

    /// There is a string at `at`: whether it is a name.
    pub(super) fn is_name(&self, at: usize) -> Result<bool, Fault> {
        match self.expect {
            Expect::Key | Expect::KeyOrEnd => Ok(true),
            Expect::Value | Expect::ValueOrEnd => Ok(false),
            Expect::Colon | Expect::CommaOrEnd | Expect::Nothing => self.refuse(at),
        }
    }

    /// There is something at `at` that can only be a value, if anything.
    pub(super) fn value(&self, at: usize) -> Result<(), Fault> {
        if matches!(self.expect, Expect::Value | Expect::ValueOrEnd) {
            return Ok(());
        }
        self.refuse(at)
    }

    pub(super) fn end_value(&mut self) {
        self.expect = if self.open.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
    }

    /// The object has a member of this name, which ends before `end`.
    pub(super) fn name(&mut self, name: &[u8], end: usize) -> Result<(), Fault> {
        if !self.keys.insert(name) {
            return Err((end.saturating_sub(1), ErrorKind::DuplicateKey));
        }
        self.expect = Expect::Colon;
        Ok(())
    }

    pub(super) fn colon(&mut self, at: usize) -> Result<(), Fault> {
        if self.expect != Expect::Colon {
            return self.refuse(at);
        }
        self.expect = Expect::Value;
        Ok(())
    }

    pub(super) fn comma(&mut self, at: usize) -> Result<(), Fault> {
        if self.expect != Expect::CommaOrEnd {
            return self.refuse(at);
        }
        let in_object = self.open.last() == Some(&Container::Object);
        self.expect = if in_object { Expect::Key } else { Expect::Value };
        Ok(())
    }

    pub(super) fn begin(&mut self, container: Container, at: usize) -> Result<(), Fault> {
        self.value(at)?;
        if self.open.len() >= self.depth {
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

    pub(super) fn end(&mut self, container: Container, at: usize) -> Result<(), Fault> {
        let when_empty = match container {
            Container::Object => Expect::KeyOrEnd,
            Container::Array => Expect::ValueOrEnd,
        };
        let may_end = self.expect == Expect::CommaOrEnd || self.expect == when_empty;
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

    // What is at `at` cannot be there.
    const fn refuse<T>(&self, at: usize) -> Result<T, Fault> {
        match self.expect {
            Expect::Nothing => Err((at, ErrorKind::Trailing)),
            _ => Err((at, ErrorKind::Unexpected)),
        }
    }
}
