//! Rules that may come to hang on a resource, and the requests to try them on, as a client sent
//! them.

use std::sync::Arc;

use rrrules::{Described, RuleSet};

use crate::control_plane::config::identifier;
use crate::control_plane::config::resource::{Key, Kind};
use crate::control_plane::wire::fields::{Fields, Flaw, Flaws, Node};
use crate::control_plane::wire::json::{Json, NotJson};
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::rule::{Rule, effect};
use crate::control_plane::wire::text::Effect;

/// Rules that may take the place of those on a resource.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// What they would hang on.
    pub(crate) on: Key,
    /// What becomes of a request that none of them fits; `None`: as it is now.
    pub(crate) default: Option<Effect>,
    pub(crate) tried_on: TriedOn,
    rules: Vec<(Arc<str>, Rule)>,
}

/// Which requests they are tried on.
#[derive(Debug)]
pub(crate) enum TriedOn {
    /// These.
    Requests(Vec<Described>),
    /// As many of the newest audit records.
    Records(usize),
}

impl Proposal {
    /// Reads a document: not JSON at all, or not a proposal, or one. Compiles patterns: keep it off
    /// the threads that serve.
    pub(crate) fn read(document: &[u8]) -> Result<Result<Self, Vec<Flaw>>, NotJson> {
        Ok(Flaws::read(Json::parse(document)?, proposal))
    }

    /// The set that the rules make, of `patterns`.
    pub(crate) fn rule_set(
        &self,
        default: Effect,
        patterns: &Patterns,
    ) -> Result<RuleSet, Vec<Flaw>> {
        let rules = self.rules.iter().enumerate().map(|(index, (id, rule))| {
            let below = |it: Flaw| Flaw::new(format!("/rules/{index}{}", it.pointer), it.detail);
            rule.compiled(Arc::clone(id), patterns).map_err(|it| vec![below(it)])
        });
        RuleSet::new(rules.collect::<Result<Vec<_>, _>>()?, effect(default))
            .map_err(|it| vec![Flaw::new("/rules", it.to_string())])
    }
}

fn proposal(node: Node<'_>) -> Option<Proposal> {
    let mut fields = node.object()?;
    let on = fields.required("on", on);
    let default = fields.optional("defaultRuleEffect", |it| it.word(&Effect::WORDS));
    let rules = fields.required("rules", |it| {
        let mut index = 0..;
        it.list(MOST_RULES, |it| rule(it, index.next().unwrap_or_default()))
    });
    let tried_on = tried_on(&mut fields);
    fields.close();
    Some(Proposal { on: on?, default: default?, tried_on: tried_on?, rules: rules? })
}

fn on(node: Node<'_>) -> Option<Key> {
    let mut fields = node.object()?;
    let kinds = Kind::PARENTS.map(|it| (it.word(), it));
    let kind = fields.required("type", |it| it.word(&kinds));
    let id = fields.required("id", id);
    fields.close();
    Some(Key::top(kind?, id?))
}

fn id(node: Node<'_>) -> Option<Arc<str>> {
    node.parsed(0..=LONGEST_ID, |it| match identifier::is_valid(&it) {
        true => Ok(Arc::from(it.as_str())),
        false => Err(identifier::WRONG),
    })
}

// One without an id is called by where it stands, as no id can be.
fn rule(node: Node<'_>, index: usize) -> Option<(Arc<str>, Rule)> {
    let mut fields = node.object()?;
    let id = fields.optional("id", id);
    let rule = Rule::of(fields);
    Some((id?.unwrap_or_else(|| format!("/rules/{index}").into()), rule?))
}

fn tried_on(fields: &mut Fields<'_>) -> Option<TriedOn> {
    let (are_given, is_limited) = (fields.has("requests"), fields.has("limit"));
    if are_given && is_limited {
        fields.flaw::<()>("limit", "this is of audit records, and requests are given: give one");
    }
    let limit = fields.or("limit", RECORDS, |it| it.integer(1..=MOST_RECORDS));
    let requests = fields.optional("requests", |it| it.list(MOST_REQUESTS, request));
    let limit = usize::try_from(limit?).ok()?;
    Some(requests?.map_or(TriedOn::Records(limit), TriedOn::Requests))
}

fn request(node: Node<'_>) -> Option<Described> {
    let mut described = None;
    node.json(|it| {
        let read = Described::from_json(it).map_err(|it| Flaw::new(it.pointer(), it.reason()))?;
        described = Some(read);
        Ok(())
    })?;
    described
}

// As many as can hang on a resource.
const MOST_RULES: usize = 1_000;
const MOST_REQUESTS: usize = 1_000;
const MOST_RECORDS: u64 = 10_000;
const RECORDS: u64 = 1_000;
const LONGEST_ID: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_without_an_id_are_called_by_their_place() {
        let read = read(r#""rules":[{"effect":"deny"},{"effect":"deny","id":"a"}]"#).unwrap();
        let names: Vec<_> = read.rules.iter().map(|(id, _)| &**id).collect();
        assert_eq!(names, ["/rules/0", "a"]);
        assert_eq!((read.on.to_string(), read.default), ("proxy/p".to_owned(), None));
        assert!(matches!(read.tried_on, TriedOn::Records(1_000)));
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check("", &["/rules"]);
        check(r#""rules":[],"limit":0"#, &["/limit"]);
        check(r#""rules":[],"limit":10001"#, &["/limit"]);
        check(r#""rules":[],"limit":1,"requests":[]"#, &["/limit"]);
        check(r#""rules":[],"requests":[{"path":"/"}]"#, &["/requests/0/method"]);
        let request = r#"{"method":"GET","path":"/","headers":{"a b":""}}"#;
        check(&format!(r#""rules":[],"requests":[{request}]"#), &["/requests/0/headers/a b"]);
        check(
            r#""rules":[{"effect":"deny","id":"A"},{"effect":"no","pathPattern":"("}],"rule":1"#,
            &["/rules/0/id", "/rules/1/effect", "/rules/1/pathPattern", "/rule"],
        );
        let many = vec![r#"{"effect":"deny"}"#; MOST_RULES + 1].join(",");
        check(&format!(r#""rules":[{many}]"#), &["/rules"]);
        let many = vec![r#"{"method":"GET","path":"/"}"#; MOST_REQUESTS + 1].join(",");
        check(&format!(r#""rules":[],"requests":[{many}]"#), &["/requests"]);
        for on in [r#"{"type":"rule","id":"a"}"#, r#"{"type":"proxy","id":"../a"}"#, "{}", "1"] {
            let document = format!(r#"{{"on":{on},"rules":[]}}"#);
            let flaws = Proposal::read(document.as_bytes()).unwrap().unwrap_err();
            assert!(flaws.iter().all(|it| it.pointer.starts_with("/on")), "{flaws:?}");
        }
    }

    #[test]
    fn rules_that_cannot_stand_together_are_refused() {
        let twice = read(r#""rules":[{"effect":"deny","id":"a"},{"effect":"allow","id":"a"}]"#);
        let flaws = twice.unwrap().rule_set(Effect::Allow, &Patterns::default()).unwrap_err();
        assert_eq!(flaws[0].pointer, "/rules");
        assert!(flaws[0].detail.contains("two rules with the id `a`"), "{flaws:?}");
    }

    #[track_caller]
    fn check(more: &str, expected: &[&str]) {
        let flaws = read(more).unwrap_err();
        let pointers: Vec<_> = flaws.iter().map(|it| &*it.pointer).collect();
        assert_eq!(pointers, expected);
    }

    fn read(more: &str) -> Result<Proposal, Vec<Flaw>> {
        let more = if more.is_empty() { String::new() } else { format!(",{more}") };
        let document = format!(r#"{{"on":{{"type":"proxy","id":"p"}}{more}}}"#);
        Proposal::read(document.as_bytes()).unwrap()
    }
}
