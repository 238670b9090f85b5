//! One rule in JSON.

use http::Method;

use crate::json::check::{self, Flags};
use crate::json::error::JsonError;
use crate::json::fields::{Fields, Node};
use crate::pattern::{Pattern, Presence};
use crate::rule::{Effect, Mode, Rule};

/// Reads a rule; without a member `id`, its id is `default_id`.
pub(super) fn rule(node: &Node<'_>, default_id: String) -> Result<Rule, JsonError> {
    let mut fields = node.object()?;
    let id = fields.take("id").map(|it| it.text(1..=MOST_ID)).transpose()?;
    let effect = effect(&fields.required("effect")?)?;
    let mut rule = Rule::new(id.map_or(default_id, ToOwned::to_owned), effect);
    if let Some(priority) = fields.take("priority") {
        rule = rule.priority(priority.integer(0..=1_000)?);
    }
    if let Some(mode) = fields.take("mode") {
        rule = rule.mode(mode.word(&[("enforce", Mode::Enforce), ("shadow", Mode::Shadow)])?);
    }
    if let Some(list) = fields.take("methods") {
        rule = rule.methods(methods(&list)?);
    }
    let flags = Flags::of_rule(&mut fields)?;
    if let Some((pattern, presence)) = path(&mut fields, flags)? {
        rule = rule.path(pattern, presence);
    }
    for node in items(fields.spelled(["headers", "headerChecks"])?)? {
        rule = rule.header(check::header(&node, flags)?);
    }
    for node in items(fields.spelled(["query", "queryChecks"])?)? {
        rule = rule.query(check::query(&node, flags)?);
    }
    for node in items(fields.spelled(["body", "bodyChecks"])?)? {
        rule = rule.body(check::body(&node, flags)?);
    }
    // For people.
    fields.take("notes").map(|it| it.text(0..=MOST_NOTES)).transpose()?;
    fields.close()?;
    Ok(rule)
}

pub(super) fn effect(node: &Node<'_>) -> Result<Effect, JsonError> {
    node.word(&[("allow", Effect::Allow), ("deny", Effect::Deny)])
}

// `{"path": {"pattern", "presence"}}`, or `{"pathPattern", "pathPresence"}`.
fn path<'a>(
    fields: &mut Fields<'a>,
    flags: Flags<'a>,
) -> Result<Option<(Pattern, Presence)>, JsonError> {
    let (pattern, presence) = (fields.take("pathPattern"), fields.take("pathPresence"));
    match (fields.take("path"), pattern, presence) {
        (Some(_), Some(other), _) | (Some(_), None, Some(other)) => {
            Err(other.error("this is another spelling of path: give one"))
        }
        (Some(node), None, None) => check::path(&node, flags).map(Some),
        (None, Some(pattern), presence) => {
            Ok(Some((check::pattern(pattern, flags)?, check::presence(presence)?)))
        }
        (None, None, Some(presence)) => Err(presence.error("this needs a pathPattern")),
        (None, None, None) => Ok(None),
    }
}

fn items(list: Option<Node<'_>>) -> Result<Vec<Node<'_>>, JsonError> {
    list.map_or(Ok(Vec::new()), |it| it.list(MOST_ITEMS))
}

fn methods<'a>(list: &Node<'a>) -> Result<Vec<&'a str>, JsonError> {
    let methods: Result<Vec<_>, _> = list.list(MOST_ITEMS)?.iter().map(method).collect();
    let methods = methods?;
    if methods.is_empty() {
        return Err(list.error("name a method, or leave this out: no list is any method"));
    }
    Ok(methods)
}

// Methods are case-sensitive (RFC 9110 §9.1): a rule against `delete` would let DELETE pass.
fn method<'a>(node: &Node<'a>) -> Result<&'a str, JsonError> {
    let text = node.text(1..=MOST_METHOD)?;
    let upper = text.to_ascii_uppercase();
    Method::from_bytes(text.as_bytes()).map_err(|_| node.error("this is not a method"))?;
    if upper != text && KNOWN.contains(&upper.as_str()) {
        return Err(node.error(format!("methods are case-sensitive: write {upper}")));
    }
    Ok(text)
}

const MOST_ID: usize = 256;
const MOST_ITEMS: usize = 100;
const MOST_METHOD: usize = 32;
const MOST_NOTES: usize = 4 << 10;
const KNOWN: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
