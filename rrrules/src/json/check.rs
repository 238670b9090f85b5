//! What a rule asks of the path, the headers, the query and the body, in JSON.

use http::HeaderName;

use crate::body::BodyCheck;
use crate::header::{HeaderCheck, NameMatch};
use crate::json::error::JsonError;
use crate::json::fields::{Fields, Node};
use crate::pattern::{Pattern, Presence};
use crate::query_check::{QueryCheck, QueryName};

/// The flags of what a pattern stands in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags<'a> {
    given: Option<&'a str>,
}

/// A pattern as it is written.
struct Written<'a> {
    node: Node<'a>,
    text: &'a str,
    flags: &'a str,
}

impl<'a> Flags<'a> {
    /// The flags that a rule gives to all its patterns.
    pub(super) fn of_rule(fields: &mut Fields<'a>) -> Result<Self, JsonError> {
        let given = fields.take("regexFlags").map(|it| Self::text(&it)).transpose()?;
        Ok(Self { given })
    }

    // Of an object that stands where the flags `around` hold.
    fn of_object(fields: &mut Fields<'a>, around: Self) -> Result<Self, JsonError> {
        match (fields.spelled(["flags", "regexFlags"])?, around.given) {
            (Some(node), Some(_)) => {
                Err(node.error("what this stands in has flags already: give one"))
            }
            (Some(node), None) => Ok(Self { given: Some(Self::text(&node)?) }),
            (None, _) => Ok(around),
        }
    }

    fn text(node: &Node<'a>) -> Result<&'a str, JsonError> {
        let flags = node.text(0..=MOST_FLAGS)?;
        Pattern::new("", flags).map_err(|error| node.error(error.to_string()))?;
        Ok(flags)
    }
}

/// Member `path`: an object with a pattern, and whether it must match.
pub(super) fn path(node: &Node<'_>, around: Flags<'_>) -> Result<(Pattern, Presence), JsonError> {
    let mut fields = node.object()?;
    let flags = Flags::of_object(&mut fields, around)?;
    let pattern = pattern(fields.required("pattern")?, flags)?;
    let presence = presence(fields.take("presence"))?;
    fields.close()?;
    Ok((pattern, presence))
}

pub(super) fn header(node: &Node<'_>, around: Flags<'_>) -> Result<HeaderCheck, JsonError> {
    let mut fields = node.object()?;
    let flags = Flags::of_object(&mut fields, around)?;
    let name = fields.required("name")?;
    let name = if name.value().is_object() {
        let Written { node, text, flags } = Written::read(name, flags)?;
        NameMatch::pattern(text, flags).map_err(|error| node.error(error.to_string()))?
    } else {
        let exact: Result<HeaderName, _> = name.text(1..=MOST_NAME)?.parse();
        NameMatch::exact(exact.map_err(|_| name.error("not a header name"))?)
    };
    let (value, presence) = value(fields, flags)?;
    Ok(HeaderCheck { name, value, presence })
}

pub(super) fn query(node: &Node<'_>, around: Flags<'_>) -> Result<QueryCheck, JsonError> {
    let mut fields = node.object()?;
    let flags = Flags::of_object(&mut fields, around)?;
    let name = fields.required("name")?;
    let name = if name.value().is_object() {
        QueryName::pattern(pattern(name, flags)?)
    } else {
        QueryName::exact(name.text(0..=MOST_NAME)?)
    };
    let (value, presence) = value(fields, flags)?;
    Ok(QueryCheck { name, value, presence })
}

pub(super) fn body(node: &Node<'_>, around: Flags<'_>) -> Result<BodyCheck, JsonError> {
    let mut fields = node.object()?;
    let flags = Flags::of_object(&mut fields, around)?;
    let path = pattern(fields.required("path")?, flags)?;
    let (value, presence) = value(fields, flags)?;
    let check = BodyCheck { path, value, presence };
    check.unsupported().map_or(Ok(check), |why| Err(node.error(why)))
}

/// A pattern: a text, or an object of text and flags.
pub(super) fn pattern(node: Node<'_>, around: Flags<'_>) -> Result<Pattern, JsonError> {
    let Written { node, text, flags } = Written::read(node, around)?;
    Pattern::new(text, flags).map_err(|error| node.error(error.to_string()))
}

/// Whether something must match: without a word, it must.
pub(super) fn presence(node: Option<Node<'_>>) -> Result<Presence, JsonError> {
    node.map_or(Ok(Presence::Present), |it| it.word(&PRESENCES))
}

// What all lists of checks have in common; nothing else may follow.
fn value(
    mut fields: Fields<'_>,
    flags: Flags<'_>,
) -> Result<(Option<Pattern>, Presence), JsonError> {
    let value = fields.take("value").map(|it| pattern(it, flags)).transpose()?;
    let presence = presence(fields.take("presence"))?;
    fields.close()?;
    Ok((value, presence))
}

impl<'a> Written<'a> {
    fn read(node: Node<'a>, around: Flags<'a>) -> Result<Self, JsonError> {
        let (node, flags) = if node.value().is_object() {
            let mut fields = node.object()?;
            let flags = Flags::of_object(&mut fields, around)?;
            let pattern = fields.required("pattern")?;
            fields.close()?;
            (pattern, flags)
        } else {
            (node, around)
        };
        // How long it may be is for the pattern to say.
        let text = node.text(0..=usize::MAX)?;
        Ok(Self { node, text, flags: flags.given.unwrap_or_default() })
    }
}

const PRESENCES: [(&str, Presence); 4] = [
    ("present", Presence::Present),
    ("absent", Presence::Absent),
    ("must_exist", Presence::Present),
    ("must_not_exist", Presence::Absent),
];
const MOST_FLAGS: usize = 16;
const MOST_NAME: usize = 4 << 10;
