//! Changes to the headers of a message.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::transform::error::InvalidTransform;
use crate::transform::template::Template;
use crate::transform::values::Values;

/// What is removed from headers, renamed, set and appended, in that order.
///
/// What is removed, renamed to or set goes in all its lines, and so does a header whose name has
/// `_` where this one has `-`, or the other way round: many servers take one for the other.
///
/// ```
/// use rrfilter::HeaderEdits;
///
/// let edits = HeaderEdits::new().remove("x-debug")?.set("x-user", "{claim.sub}")?;
/// assert!(!edits.is_empty());
/// let error = HeaderEdits::new().set("x-user", "a\r\nb").unwrap_err();
/// assert_eq!(error.to_string(), "/set/x-user: a header cannot have control characters");
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeaderEdits {
    remove: Vec<HeaderName>,
    rename: Vec<(HeaderName, HeaderName)>,
    set: Vec<(HeaderName, Template)>,
    append: Vec<(HeaderName, Template)>,
}

/// How headers are changed; also the name of that part of the edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Remove,
    Rename,
    Set,
    Append,
}

/// A value that no header can have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) name: HeaderName,
}

impl HeaderEdits {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes the header `name`.
    ///
    /// # Errors
    ///
    /// On what cannot be a header's name.
    pub fn remove(mut self, name: &str) -> Result<Self, InvalidTransform> {
        self.remove.push(parsed(name, Edit::Remove)?);
        Ok(self)
    }

    /// Calls the header `from` by the name `to`. What was there under `to` goes, if there is any
    /// `from`.
    ///
    /// # Errors
    ///
    /// On what cannot be a header's name, and when both are the same.
    pub fn rename(mut self, from: &str, to: &str) -> Result<Self, InvalidTransform> {
        let within = |it: InvalidTransform| it.within(from).within(Edit::Rename.as_str());
        let (old, new) = (parsed(from, Edit::Rename)?, name_of(to).map_err(within)?);
        if old == new {
            return Err(within(InvalidTransform::new("it already has this name")));
        }
        if self.rename.iter().any(|it| it.1 == new) {
            return Err(within(InvalidTransform::new("another is renamed to this")));
        }
        self.rename.push((old, new));
        Ok(self)
    }

    /// Leaves one line of the header `name`, with this value (a [`Template`]); none where a
    /// variable in it is missing, so that nobody can speak in its place.
    ///
    /// # Errors
    ///
    /// On what cannot be a header's name or value, on a name that is set already, and as
    /// [`Template::new`].
    pub fn set(mut self, name: &str, value: &str) -> Result<Self, InvalidTransform> {
        let (parsed, value) = (parsed(name, Edit::Set)?, template(name, value, Edit::Set)?);
        if self.set.iter().any(|it| it.0 == parsed) {
            let error = InvalidTransform::new("it is set twice");
            return Err(error.within(name).within(Edit::Set.as_str()));
        }
        self.set.push((parsed, value));
        Ok(self)
    }

    /// Adds a line of the header `name` besides what is there; none where a variable is missing.
    ///
    /// # Errors
    ///
    /// On what cannot be a header's name or value, and as [`Template::new`].
    pub fn append(mut self, name: &str, value: &str) -> Result<Self, InvalidTransform> {
        self.append.push((parsed(name, Edit::Append)?, template(name, value, Edit::Append)?));
        Ok(self)
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { remove, rename, set, append } = self;
        remove.is_empty() && rename.is_empty() && set.is_empty() && append.is_empty()
    }

    /// Every name that it touches, and how. A renamed header is removed, and its new name set.
    pub(crate) fn names(&self) -> impl Iterator<Item = (Edit, &HeaderName, &HeaderName)> {
        let removed = self.remove.iter().map(|it| (Edit::Remove, it, it));
        let renamed = self
            .rename
            .iter()
            .flat_map(|(old, new)| [(Edit::Rename, old, old), (Edit::Rename, old, new)]);
        let set = self.set.iter().map(|(it, _)| (Edit::Set, it, it));
        let appended = self.append.iter().map(|(it, _)| (Edit::Append, it, it));
        removed.chain(renamed).chain(set).chain(appended)
    }

    /// The templates in it, and where they are.
    pub(crate) fn templates(&self) -> impl Iterator<Item = (&'static str, &str, &Template)> {
        let set = self.set.iter().map(|(name, it)| (Edit::Set.as_str(), name.as_str(), it));
        set.chain(self.append.iter().map(|(name, it)| (Edit::Append.as_str(), name.as_str(), it)))
    }

    pub(crate) fn apply(&self, headers: &mut HeaderMap, values: &Values) -> Result<(), Unfit> {
        for name in &self.remove {
            remove(headers, name);
        }
        for (from, to) in &self.rename {
            let lines: Vec<_> = headers.get_all(from).iter().cloned().collect();
            if !lines.is_empty() {
                remove(headers, from);
                remove(headers, to);
                lines.into_iter().try_for_each(|it| append(headers, to, it))?;
            }
        }
        for (name, value) in &self.set {
            remove(headers, name);
            if let Some(line) = rendered(name, value, values)? {
                append(headers, name, line)?;
            }
        }
        for (name, value) in &self.append {
            if let Some(line) = rendered(name, value, values)? {
                append(headers, name, line)?;
            }
        }
        Ok(())
    }
}

impl Edit {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::Set => "set",
            Self::Append => "append",
        }
    }
}

fn name_of(name: &str) -> Result<HeaderName, InvalidTransform> {
    name.parse().map_err(|_| InvalidTransform::new("this is not the name of a header"))
}

fn parsed(name: &str, edit: Edit) -> Result<HeaderName, InvalidTransform> {
    name_of(name).map_err(|it| it.within(name).within(edit.as_str()))
}

fn template(name: &str, value: &str, edit: Edit) -> Result<Template, InvalidTransform> {
    let within = |it: InvalidTransform| it.within(name).within(edit.as_str());
    let template = Template::new(value).map_err(within)?;
    if template.texts().any(|it| it.chars().any(char::is_control)) {
        let error = InvalidTransform::new("a header cannot have control characters");
        return Err(within(error));
    }
    Ok(template)
}

fn remove(headers: &mut HeaderMap, name: &HeaderName) {
    headers.remove(name);
    let alike: Vec<_> = headers.keys().filter(|it| is_taken_for(it, name)).cloned().collect();
    for name in alike {
        headers.remove(name);
    }
}

fn is_taken_for(name: &HeaderName, other: &HeaderName) -> bool {
    let (name, other) = (name.as_str(), other.as_str());
    let plain = |it: u8| if it == b'_' { b'-' } else { it };
    name != other
        && name.len() == other.len()
        && name.bytes().map(plain).eq(other.bytes().map(plain))
}

// Control characters would begin another header, or end this one early.
fn rendered(
    name: &HeaderName,
    value: &Template,
    values: &Values,
) -> Result<Option<HeaderValue>, Unfit> {
    let Some(text) = value.render(values) else { return Ok(None) };
    let text = text.trim_matches([' ', '\t']);
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(Unfit { name: name.clone() });
    }
    let line = HeaderValue::from_bytes(text.as_bytes());
    line.map(Some).map_err(|_| Unfit { name: name.clone() })
}

fn append(headers: &mut HeaderMap, name: &HeaderName, line: HeaderValue) -> Result<(), Unfit> {
    let appended = headers.try_append(name, line);
    appended.map(|_| ()).map_err(|_| Unfit { name: name.clone() })
}

const LONGEST: usize = 8 * 1024;
