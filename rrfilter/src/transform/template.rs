//! Texts with variables in them.

use std::str::FromStr;

use crate::transform::error::InvalidTransform;
use crate::transform::values::Values;
use crate::transform::variable::Variable;

/// A text with variables in braces, compiled: `{claim.sub}`, `user {identity.subject|nobody}`.
///
/// What stands after `|` is taken where the variable is missing. `{{` and `}}` are braces.
///
/// | variable | stands for |
/// |---|---|
/// | `claim.NAME` | a verified claim of the caller ([`TransformLayer::claims`](crate::TransformLayer::claims)) |
/// | `identity.subject`, `identity.credential`, `identity.kind` | who is calling, the id of what it showed, and its kind |
/// | `client.address` | the client's address, as far as it can be believed |
/// | `header.NAME` | a header of the request; several lines are joined by `, ` |
/// | `query.NAME` | the first such parameter of the query, decoded |
/// | `path.NAME` | a parameter of the route ([`TransformLayer::parameters`](crate::TransformLayer::parameters)) |
/// | `request.id`, `request.method`, `request.path`, `request.host` | of the request; the path still percent-encoded |
/// | `request.time` | when it came, in whole seconds since the Unix epoch |
/// | `response.status`, `response.header.NAME` | of the response, in what is done to it |
///
/// All are those of the message as it came to the layer, before anything is changed. Numbers and
/// booleans are written as in JSON, lists of them and of texts with `,` between; what is null, an
/// object, not UTF-8, or a list of which one has a comma counts as missing. Headers that hold
/// credentials (`authorization`, `proxy-authorization`, `cookie`, `set-cookie`) have no variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable { at: usize, variable: Variable, fallback: Option<Box<str>> },
}

impl Template {
    /// Compiles `text`.
    ///
    /// ```
    /// use rrfilter::Template;
    ///
    /// let error = Template::new("user {claims.sub}").unwrap_err();
    /// assert_eq!(error.to_string(), "at 6: there is no variable of this name");
    /// ```
    ///
    /// # Errors
    ///
    /// On braces that do not belong together, and on variables that there are not. Says where.
    pub fn new(text: &str) -> Result<Self, InvalidTransform> {
        let (mut parts, mut plain, mut at) = (Vec::new(), String::new(), 0);
        while let Some(rest) = text.get(at..).filter(|it| !it.is_empty()) {
            let brace = rest.find(['{', '}']).unwrap_or(rest.len());
            let (before, from) = rest.split_at(brace);
            plain.push_str(before);
            at += brace;
            if from.starts_with("{{") || from.starts_with("}}") {
                plain.extend(from.chars().next());
                at += 2;
            } else if from.starts_with('}') {
                return Err(InvalidTransform::new("a `}` alone: write `}}`").at(at));
            } else if let Some(inner) = from.strip_prefix('{') {
                let end = inner.find('}').ok_or_else(|| InvalidTransform::new(OPEN).at(at))?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                at += 1;
                parts.push(variable(inner.get(..end).unwrap_or_default(), at)?);
                at += end + 1;
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// The text, with what `values` say; `None` where one of the variables is missing that has
    /// nothing after a `|`.
    #[must_use]
    pub fn render(&self, values: &Values) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Variable { variable, fallback, .. } => match values.text(variable) {
                    Some(value) => text.push_str(&value),
                    None => text.push_str(fallback.as_deref()?),
                },
            }
        }
        Some(text)
    }

    /// The variables in it, and where they are.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (usize, &Variable)> {
        self.parts.iter().filter_map(|it| match it {
            Part::Text(_) => None,
            Part::Variable { at, variable, .. } => Some((*at, variable)),
        })
    }

    /// The variable that is all of it.
    pub(crate) fn only_variable(&self) -> Option<&Variable> {
        match self.parts.as_slice() {
            [Part::Variable { variable, fallback: None, .. }] => Some(variable),
            _ => None,
        }
    }

    /// What of it is said already.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|it| match it {
            Part::Text(text) => Some(text.as_str()),
            Part::Variable { fallback, .. } => fallback.as_deref(),
        })
    }
}

impl FromStr for Template {
    type Err = InvalidTransform;

    fn from_str(text: &str) -> Result<Self, InvalidTransform> {
        Self::new(text)
    }
}

fn variable(text: &str, at: usize) -> Result<Part, InvalidTransform> {
    if let Some(brace) = text.find('{') {
        return Err(InvalidTransform::new("a brace within braces").at(at + brace));
    }
    let (name, fallback) = match text.split_once('|') {
        Some((name, fallback)) => (name, Some(fallback.into())),
        None => (text, None),
    };
    let variable = Variable::named(name).map_err(|why| InvalidTransform::new(why).at(at))?;
    Ok(Part::Variable { at, variable, fallback })
}

const OPEN: &str = "this `{` is never closed: for a brace write `{{`";
