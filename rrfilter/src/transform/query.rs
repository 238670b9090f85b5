//! Changes to a request's query.

use crate::transform::error::InvalidTransform;
use crate::transform::pairs::{encode, halves, is_named, mentions, pieces, push};
use crate::transform::template::Template;
use crate::transform::values::Values;

/// What is removed from a query, renamed, set and appended, in that order.
///
/// Names are compared after decoding, in their case. Pairs that nothing is said of stay byte for
/// byte, and in their order.
///
/// ```
/// use rrfilter::{QueryEdits, Values};
///
/// let edits = QueryEdits::new()
///     .remove("debug")?
///     .rename("q", "query")?
///     .set("user", "{claim.sub}")?
///     .append("tag", "a&b")?;
/// let values = Values::none().with("claim.sub", "Ada L.")?;
/// let query = edits.apply("q=%7e+x&debug=1&user=root&tag=c", &values);
/// assert_eq!(query, "query=%7e+x&tag=c&user=Ada%20L.&tag=a%26b");
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct QueryEdits {
    remove: Vec<Box<str>>,
    rename: Vec<(Box<str>, Box<str>)>,
    set: Vec<(Box<str>, Template)>,
    append: Vec<(Box<str>, Template)>,
}

impl QueryEdits {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes every pair called `name`.
    ///
    /// # Errors
    ///
    /// On an empty name.
    pub fn remove(mut self, name: &str) -> Result<Self, InvalidTransform> {
        self.remove.push(checked(name, "remove")?);
        Ok(self)
    }

    /// Calls the pairs `from` by the name `to`, at their places and with their values. What was
    /// called `to` before goes, if there are any `from`.
    ///
    /// # Errors
    ///
    /// On an empty name, and when both are the same.
    pub fn rename(mut self, from: &str, to: &str) -> Result<Self, InvalidTransform> {
        if from == to {
            return Err(InvalidTransform::new(SAME).within(from).within("rename"));
        }
        self.rename.push((checked(from, "rename")?, checked(to, "rename")?));
        Ok(self)
    }

    /// Leaves one pair called `name`, with this value, at the end; none where a variable in it is
    /// missing.
    ///
    /// # Errors
    ///
    /// On an empty name, and as [`Template::new`].
    pub fn set(mut self, name: &str, value: &str) -> Result<Self, InvalidTransform> {
        self.set.push(pair(name, value, "set")?);
        Ok(self)
    }

    /// Adds a pair at the end, besides others of that name; none where a variable is missing.
    ///
    /// # Errors
    ///
    /// On an empty name, and as [`Template::new`].
    pub fn append(mut self, name: &str, value: &str) -> Result<Self, InvalidTransform> {
        self.append.push(pair(name, value, "append")?);
        Ok(self)
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { remove, rename, set, append } = self;
        remove.is_empty() && rename.is_empty() && set.is_empty() && append.is_empty()
    }

    /// What becomes of `query` (without its `?`).
    #[must_use]
    pub fn apply(&self, query: &str, values: &Values) -> String {
        let mut query = query.to_owned();
        for name in &self.remove {
            query = without(&query, name);
        }
        for (from, to) in &self.rename {
            query = renamed(&query, from, to);
        }
        for (name, value) in &self.set {
            query = without(&query, name);
            add(&mut query, name, value, values);
        }
        for (name, value) in &self.append {
            add(&mut query, name, value, values);
        }
        query
    }

    /// The templates in it, and where they are.
    pub(crate) fn templates(&self) -> impl Iterator<Item = (&'static str, &str, &Template)> {
        let set = self.set.iter().map(|(name, it)| ("set", &**name, it));
        set.chain(self.append.iter().map(|(name, it)| ("append", &**name, it)))
    }
}

fn checked(name: &str, part: &str) -> Result<Box<str>, InvalidTransform> {
    match name.is_empty() {
        true => Err(InvalidTransform::new("a name is empty").within(part)),
        false => Ok(name.into()),
    }
}

fn pair(name: &str, value: &str, part: &str) -> Result<(Box<str>, Template), InvalidTransform> {
    let value = Template::new(value).map_err(|it| it.within(name).within(part))?;
    Ok((checked(name, part)?, value))
}

fn without(query: &str, name: &str) -> String {
    let kept: Vec<_> = pieces(query).filter(|it| !mentions(it, name)).collect();
    kept.join("&")
}

fn renamed(query: &str, from: &str, to: &str) -> String {
    if !pieces(query).any(|it| is_named(it, from)) {
        return query.to_owned();
    }
    let mut out = Vec::new();
    for piece in pieces(query) {
        if is_named(piece, from) {
            let mut pair = String::new();
            encode(to, &mut pair);
            if piece.contains('=') {
                pair.push('=');
                pair.push_str(halves(piece).1);
            }
            out.push(pair);
        } else if !mentions(piece, to) {
            out.push(piece.to_owned());
        }
    }
    out.join("&")
}

fn add(query: &mut String, name: &str, value: &Template, values: &Values) {
    if let Some(value) = value.render(values) {
        push(name, &value, query);
    }
}

const SAME: &str = "it already has this name";
