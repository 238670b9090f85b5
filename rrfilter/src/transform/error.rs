//! What is wrong with a transformation, and where.

use std::borrow::Cow;
use std::fmt;

/// A transformation that cannot be used, said when it is made: where in it, and why.
///
/// One line, such as `/headers/set/x-user: at 7: there is no variable of this name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTransform {
    place: String,
    offset: Option<usize>,
    why: Cow<'static, str>,
}

impl InvalidTransform {
    pub(crate) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self { place: String::new(), offset: None, why: why.into() }
    }

    pub(crate) fn at(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The same, found in the part `name` of something larger.
    #[must_use]
    pub fn within(mut self, name: &str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        self.place = format!("/{name}{}", self.place);
        self
    }

    /// The part that is wrong, as a JSON pointer, such as `/set/x-user`; empty for the whole.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Bytes from the start of the text there, where the mistake is in one place.
    #[must_use]
    pub const fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// One short sentence.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for InvalidTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        if let Some(offset) = self.offset {
            write!(f, "at {offset}: ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for InvalidTransform {}
