//! What a rule asks of the path, the headers, the query and the body of a request.

use http::HeaderName;
use rrrules::{
    BodyCheck as CompiledBody, HeaderCheck, NameMatch, Pattern as Compiled, QueryCheck, QueryName,
};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Flaw, Node};
use crate::control_plane::wire::pattern::{Flagged, Flags, Pattern, Presence};
use crate::control_plane::wire::patterns::Patterns;

/// What is asked of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathCheck {
    pub(crate) pattern: Pattern,
    pub(crate) presence: Presence,
}

/// What is asked of the headers, or of the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// Plain: exactly this name; full: all that the pattern is found in.
    pub(crate) name: Pattern,
    pub(crate) value: Option<Pattern>,
    pub(crate) presence: Presence,
}

/// What is asked of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BodyCheck {
    /// Found in the path of a value, such as `user.roles.0`: always a pattern.
    pub(crate) path: Pattern,
    pub(crate) value: Option<Pattern>,
    pub(crate) presence: Presence,
}

impl PathCheck {
    pub(crate) fn read(node: Node<'_>, around: &Flags) -> Option<Self> {
        let mut fields = node.object()?;
        let flags = Flags::read(&mut fields, around);
        let pattern = fields.required("pattern", |it| Pattern::read(it, &flags));
        let presence = Presence::named("presence", &mut fields);
        fields.close();
        Some(Self { pattern: pattern?, presence: presence? })
    }
}

impl Check {
    pub(crate) fn of_headers(node: Node<'_>, around: &Flags) -> Option<Self> {
        Self::read(node, around, |it| {
            it.parsed(1..=MOST_NAME, |text| {
                let name: Result<HeaderName, _> = text.parse();
                name.map(|_| text.to_string()).map_err(|_| "not a header name")
            })
        })
    }

    pub(crate) fn of_query(node: Node<'_>, around: &Flags) -> Option<Self> {
        Self::read(node, around, |it| it.text(0..=MOST_NAME))
    }

    fn read(
        node: Node<'_>,
        around: &Flags,
        exact: impl FnOnce(Node<'_>) -> Option<String>,
    ) -> Option<Self> {
        let mut fields = node.object()?;
        let flags = Flags::read(&mut fields, around);
        let name = fields.required("name", |it| {
            if it.is_object() {
                Pattern::read(it, &flags)
            } else {
                exact(it).map(|it| Pattern::Plain(it.into()))
            }
        });
        let value = fields.optional("value", |it| Pattern::read(it, &flags));
        let presence = Presence::named("presence", &mut fields);
        fields.close();
        Some(Self { name: name?, value: value?, presence: presence? })
    }

    /// The check that judges headers; `at` is where this stands.
    pub(crate) fn for_headers(&self, at: &str, patterns: &Patterns) -> Result<HeaderCheck, Flaw> {
        let name = match &self.name {
            Pattern::Plain(name) => {
                let name = name.parse::<HeaderName>().map_err(|_| "not a header name".to_owned());
                name.map(NameMatch::exact)
            }
            // In any case, whatever the flags: so that equal ones are one, they say so here.
            Pattern::Full(full) => {
                let Flagged { pattern, flags } = &**full;
                let pattern = patterns.get(pattern, &format!("{flags}i"));
                pattern.and_then(NameMatch::found_by).map_err(|it| it.to_string())
            }
        };
        let name = name.map_err(|it| Flaw::new(format!("{at}/name"), it))?;
        Ok(HeaderCheck {
            name,
            value: self.wanted(at, patterns)?,
            presence: self.presence.judged(),
        })
    }

    /// The check that judges queries; `at` is where this stands.
    pub(crate) fn for_query(&self, at: &str, patterns: &Patterns) -> Result<QueryCheck, Flaw> {
        let name = match &self.name {
            Pattern::Plain(name) => QueryName::exact(&**name),
            full @ Pattern::Full(_) => {
                let compiled = full.compiled(patterns);
                QueryName::pattern(
                    compiled.map_err(|it| Flaw::new(format!("{at}/name"), it.to_string()))?,
                )
            }
        };
        Ok(QueryCheck { name, value: self.wanted(at, patterns)?, presence: self.presence.judged() })
    }

    fn wanted(&self, at: &str, patterns: &Patterns) -> Result<Option<Compiled>, Flaw> {
        let value = self.value.as_ref().map(|it| it.compiled(patterns)).transpose();
        value.map_err(|it| Flaw::new(format!("{at}/value"), it.to_string()))
    }
}

impl BodyCheck {
    pub(crate) fn read(node: Node<'_>, around: &Flags) -> Option<Self> {
        let mut fields = node.object()?;
        let flags = Flags::read(&mut fields, around);
        let path = fields.required("path", |it| Pattern::read(it, &flags));
        let value = fields.optional("value", |it| Pattern::read(it, &flags));
        let presence = Presence::named("presence", &mut fields);
        fields.close();
        Some(Self { path: path?, value: value?, presence: presence? })
    }

    /// The check that judges bodies; `at` is where this stands.
    pub(crate) fn compiled(&self, at: &str, patterns: &Patterns) -> Result<CompiledBody, Flaw> {
        let pattern = |it: &Pattern, name: &str| {
            it.compiled(patterns).map_err(|it| Flaw::new(format!("{at}/{name}"), it.to_string()))
        };
        Ok(CompiledBody {
            path: pattern(&self.path, "path")?,
            value: self.value.as_ref().map(|it| pattern(it, "value")).transpose()?,
            presence: self.presence.judged(),
        })
    }
}

const MOST_NAME: usize = 4 << 10;
