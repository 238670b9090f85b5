//! JSON's grammar between tokens (RFC 8259 §2): what may come next, and in what.

use super::error::{ErrorKind, Fault};
use super::keys::Keys;

/// The open containers, and the names in them.
#[derive(Clone, Debug)]
pub(super) struct Structure {
    open: Vec<Container>,
    depth: usize,
    pub(super) keys: Keys,
}

/// What may come next. It says all that is to be known of the container around it, so that the next
/// state follows from this one and a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    Document,
    Key,
    KeyOrEnd,
    Colon,
    Member,
    // After a member: a comma, or the end of the object.
    MemberEnd,
    Element,
    ElementOrEnd,
    ElementEnd,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Object,
    Array,
}

impl Expect {
    /// After the value that may come next.
    pub(super) const fn after_value(self) -> Self {
        match self {
            Self::Member => Self::MemberEnd,
            Self::Element | Self::ElementOrEnd => Self::ElementEnd,
            _ => Self::Nothing,
        }
    }
}

impl Structure {
    /// `depth` containers may be open at once.
    pub(super) fn new(depth: usize, keys: Keys) -> Self {
        Self { open: Vec::new(), depth, keys }
    }

    /// How many containers are open.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    #[inline(always)]
    pub(super) fn begin_object(&mut self, at: usize) -> Result<Expect, Fault> {
        let is_element = self.open.last() == Some(&Container::Array);
        self.begin(Container::Object, at)?;
        self.keys.open(is_element);
        Ok(Expect::KeyOrEnd)
    }

    #[inline(always)]
    pub(super) fn begin_array(&mut self, at: usize) -> Result<Expect, Fault> {
        self.begin(Container::Array, at)?;
        Ok(Expect::ElementOrEnd)
    }

    #[inline(always)]
    fn begin(&mut self, container: Container, at: usize) -> Result<(), Fault> {
        if self.open.len() >= self.depth {
            return Err((at, ErrorKind::TooDeep));
        }
        self.open.push(container);
        Ok(())
    }

    #[inline(always)]
    pub(super) fn end_object(&mut self) -> Expect {
        self.keys.close();
        self.end_array()
    }

    #[inline(always)]
    pub(super) fn end_array(&mut self) -> Expect {
        self.open.pop();
        match self.open.last() {
            None => Expect::Nothing,
            Some(Container::Object) => Expect::MemberEnd,
            Some(Container::Array) => Expect::ElementEnd,
        }
    }
}
