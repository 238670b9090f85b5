//! The steps in which content is changed.

use crate::transform::error::InvalidTransform;
use crate::transform::json::{Edit, JsonPointer, JsonTemplate, PatchOperation};
use crate::transform::media::Format;
use crate::transform::variable::Variable;

/// One change to the content of a message. Places are JSON pointers ([`JsonPointer`]), values JSON
/// texts with variables ([`JsonTemplate`]).
///
/// Steps but [`BodyStep::patch`] ask little of a document: what is not there is not removed,
/// renamed or moved, and objects on the way to a new value are made. Where a step leads through a
/// scalar or beyond the end of an array, the message is refused.
#[derive(Clone, Debug)]
pub struct BodyStep {
    kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Edit(Edit),
    Patch(Vec<PatchOperation>),
    Read(Format),
    Write(Format),
}

impl BodyStep {
    /// Puts `value` at `path` if nothing is there yet. `/items/-` adds to the end of an array.
    ///
    /// # Errors
    ///
    /// As [`JsonPointer::new`] and [`JsonTemplate::new`].
    pub fn add(path: &str, value: &str) -> Result<Self, InvalidTransform> {
        Ok(Edit::Add { path: pointer("path", path)?, value: template(value)? }.into())
    }

    /// Puts `value` at `path`, in place of what is there.
    ///
    /// # Errors
    ///
    /// As [`JsonPointer::new`] and [`JsonTemplate::new`].
    pub fn set(path: &str, value: &str) -> Result<Self, InvalidTransform> {
        Ok(Edit::Set { path: pointer("path", path)?, value: template(value)? }.into())
    }

    /// Takes out what is at `path`; elements of an array move up.
    ///
    /// # Errors
    ///
    /// As [`JsonPointer::new`], and for the whole document.
    pub fn remove(path: &str) -> Result<Self, InvalidTransform> {
        Ok(Edit::Remove { path: part("path", path)? }.into())
    }

    /// Calls the member at `path` by the name `to`, at its place in the object. Another member that
    /// is called so goes.
    ///
    /// # Errors
    ///
    /// As [`JsonPointer::new`], for the whole document, and where `to` is its name already.
    pub fn rename(path: &str, to: &str) -> Result<Self, InvalidTransform> {
        let path = part("path", path)?;
        if path.tokens().last().is_some_and(|it| it == to) {
            return Err(InvalidTransform::new("it already has this name").within("to"));
        }
        Ok(Edit::Rename { path, name: to.into() }.into())
    }

    /// Takes out what is at `from`, and puts it at `path` in place of what is there.
    ///
    /// # Errors
    ///
    /// As [`JsonPointer::new`], for the whole document as `from`, and where `path` is
    /// inside of it, or the same.
    pub fn move_to(from: &str, path: &str) -> Result<Self, InvalidTransform> {
        let (from, path) = (part("from", from)?, pointer("path", path)?);
        if from.holds(&path) {
            return Err(InvalidTransform::new("this is inside of `from`").within("path"));
        }
        Ok(Edit::Move { from, path }.into())
    }

    /// Applies a JSON Patch (RFC 6902): all of it, or the message is refused.
    ///
    /// # Errors
    ///
    /// When an operation cannot be done with any document. Its index is in the place.
    pub fn patch(
        operations: impl IntoIterator<Item = PatchOperation>,
    ) -> Result<Self, InvalidTransform> {
        let operations: Vec<_> = operations.into_iter().collect();
        if operations.len() > MAX_OPERATIONS {
            return Err(InvalidTransform::new("a patch has 256 operations at the most"));
        }
        for (index, operation) in operations.iter().enumerate() {
            operation.check().map_err(|it| it.within(&index.to_string()))?;
        }
        Ok(Self { kind: Kind::Patch(operations) })
    }

    /// Makes what is at `path` the whole document: strips an envelope. The message is refused where
    /// nothing is there, for the envelope may hold what nobody should see.
    ///
    /// # Errors
    ///
    /// As [`JsonPointer::new`], and for the whole document.
    pub fn unwrap(path: &str) -> Result<Self, InvalidTransform> {
        Ok(Edit::Unwrap { path: part("path", path)? }.into())
    }

    /// Makes the document a member of a new one, at `path`: `/data` makes `{"data":…}` of it. All
    /// steps of `path` are names.
    ///
    /// # Errors
    ///
    /// As [`JsonPointer::new`], and for the whole document.
    pub fn wrap(path: &str) -> Result<Self, InvalidTransform> {
        Ok(Edit::Wrap { path: part("path", path)? }.into())
    }

    /// Reads a form (`application/x-www-form-urlencoded`) as an object of strings; a name that
    /// comes several times becomes an array of them. The first step.
    #[must_use]
    pub const fn from_form() -> Self {
        Self { kind: Kind::Read(Format::Form) }
    }

    /// Writes an object of scalars, and of arrays of them, as a form; `null` is left out. The last
    /// step. Other documents are refused.
    #[must_use]
    pub const fn to_form() -> Self {
        Self { kind: Kind::Write(Format::Form) }
    }

    /// Reads XML, of responses only, as an object with the root element as its member. The first
    /// step.
    ///
    /// An element becomes the string of its text; `null` if it has none; or, if it has attributes
    /// or elements in it, an object with the members `@name` for attributes, `name` for elements
    /// (an array where there are several of one name) and `#text` for text, without white space
    /// around it, where there is any. Names keep their prefixes. Comments and processing
    /// instructions are left out. Refused are: a document type (so no entities but `&lt;`, `&gt;`,
    /// `&amp;`, `&apos;`, `&quot;` and characters by number), encodings other than UTF-8, more than 64
    /// elements in one another, and more than 10,000 names in what is open at one time.
    #[cfg(feature = "xml")]
    #[must_use]
    pub const fn from_xml() -> Self {
        Self { kind: Kind::Read(Format::Xml) }
    }

    pub(crate) fn into_kind(self) -> Kind {
        self.kind
    }
}

impl From<Edit> for BodyStep {
    fn from(edit: Edit) -> Self {
        Self { kind: Kind::Edit(edit) }
    }
}

impl Kind {
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let (edited, patch) = match self {
            Self::Edit(edit) => (edit.value(), &[][..]),
            Self::Patch(operations) => (None, operations.as_slice()),
            Self::Read(_) | Self::Write(_) => (None, &[][..]),
        };
        let values = edited.into_iter().chain(patch.iter().filter_map(PatchOperation::value));
        values.flat_map(JsonTemplate::templates).flat_map(|it| it.variables()).map(|it| it.1)
    }
}

fn pointer(name: &str, text: &str) -> Result<JsonPointer, InvalidTransform> {
    JsonPointer::new(text).map_err(|it| it.within(name))
}

// Of something that has a parent.
fn part(name: &str, text: &str) -> Result<JsonPointer, InvalidTransform> {
    let pointer = pointer(name, text)?;
    match pointer.is_root() {
        true => Err(InvalidTransform::new("this is the whole document").within(name)),
        false => Ok(pointer),
    }
}

fn template(text: &str) -> Result<JsonTemplate, InvalidTransform> {
    JsonTemplate::new(text).map_err(|it| it.within("value"))
}

const MAX_OPERATIONS: usize = 256;
