//! A rule: allow or deny, on method, path, headers, query and body.

use std::sync::Arc;

use rrrules::Rule as Compiled;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control_plane::wire::check::{BodyCheck, Check, PathCheck};
use crate::control_plane::wire::criteria::Criteria;
use crate::control_plane::wire::fields::{Fields, Flaw, Node};
use crate::control_plane::wire::methods::Methods;
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::text::Effect;

/// As it is stored and answered, whichever spelling it was written in. Most of a configuration are
/// rules: no more room is taken than there is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) effect: Effect,
    pub(crate) priority: u16,
    pub(crate) methods: Option<Methods>,
    pub(crate) path: Option<PathCheck>,
    #[serde(default)]
    pub(crate) headers: Box<[Check]>,
    #[serde(default)]
    pub(crate) query: Box<[Check]>,
    #[serde(default)]
    pub(crate) body: Box<[BodyCheck]>,
    pub(crate) notes: Option<Box<str>>,
    #[serde(default)]
    pub(crate) mode: Mode,
}

/// What comes of what a rule says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// It is done.
    #[default]
    Enforce,
    /// It is recorded, and nothing comes of it.
    Shadow,
}

impl Rule {
    /// Reads what a client sent, in either spelling, and compiles its patterns to see whether they
    /// can be.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        Self::of(node.object()?)
    }

    /// As [`Rule::read`], of what is left of an object's members.
    pub(crate) fn of(mut fields: Fields<'_>) -> Option<Self> {
        let effect = fields.required("effect", |it| it.word(&Effect::WORDS));
        let priority = fields.or("priority", 500, |it| it.integer(0..=1_000));
        let criteria = Criteria::read(&mut fields);
        let notes = fields.optional("notes", |it| it.text(0..=4_096));
        let mode = fields.or("mode", Mode::Enforce, |it| it.word(&Mode::WORDS));
        fields.close();
        let Criteria { methods, path, headers, query, body } = criteria?;
        Some(Self {
            effect: effect?,
            priority: u16::try_from(priority?).ok()?,
            methods,
            path,
            headers,
            query,
            body,
            notes: notes?.map(Into::into),
            mode: mode?,
        })
    }

    /// Whether a stored rule says the same without `member`, which is `value`.
    pub(crate) fn goes_without_saying(member: &str, value: &Value) -> bool {
        match member {
            "methods" | "notes" | "path" => value.is_null(),
            "body" | "headers" | "query" => value.as_array().is_some_and(Vec::is_empty),
            "mode" => value == "enforce",
            _ => false,
        }
    }

    /// The rule that judges requests, as `id`, of `patterns`.
    pub(crate) fn compiled(&self, id: Arc<str>, patterns: &Patterns) -> Result<Compiled, Flaw> {
        let Self { methods, path, headers, query, body, .. } = self.clone();
        let rule =
            Compiled::new(id, effect(self.effect)).priority(self.priority).mode(self.mode.judged());
        Criteria { methods, path, headers, query, body }.asked_by(rule, patterns)
    }
}

impl Mode {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("enforce", Self::Enforce), ("shadow", Self::Shadow)];

    const fn judged(self) -> rrrules::Mode {
        match self {
            Self::Enforce => rrrules::Mode::Enforce,
            Self::Shadow => rrrules::Mode::Shadow,
        }
    }
}

/// What decides, for a word.
pub(crate) const fn effect(effect: Effect) -> rrrules::Effect {
    match effect {
        Effect::Allow => rrrules::Effect::Allow,
        Effect::Deny => rrrules::Effect::Deny,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn a_rule_that_asks_for_nothing_only_has_an_effect() {
        let rule = read(r#"{"effect":"deny"}"#).unwrap();
        assert_eq!((rule.effect, rule.priority), (Effect::Deny, 500));
        assert_eq!((rule.methods, rule.path, rule.headers), (None, None, Box::default()));
    }

    #[test]
    fn what_is_answered_is_what_was_written() {
        answers(FULL, FULL);
    }

    #[test]
    fn another_spelling_is_answered_in_the_one() {
        answers(
            r#"{"effect":"allow","priority":900,"methods":["GET"],
            "pathPattern":{"pattern":"^/a","regexFlags":"i"},"pathPresence":"must_not_exist",
            "headerChecks":[{"name":"x-a","value":"^b","presence":"must_exist"},
                {"name":{"pattern":"^x-"},"presence":"must_not_exist"}],
            "queryChecks":[{"name":"q"}],
            "bodyChecks":[{"path":"^user\\.role$","value":{"pattern":"^admin$","regexFlags":"i"}},
                {"path":"^a","presence":"must_not_exist"}],"notes":"why","mode":"shadow"}"#,
            FULL,
        );
        answers(
            r#"{"effect":"allow","priority":900,"methods":["GET"],"regexFlags":"i",
            "path":{"pattern":"^/a","presence":"absent"},
            "headers":[{"name":"x-a","presence":"present"}],"notes":"why"}"#,
            r#"{"effect":"allow","priority":900,"methods":["GET"],
            "path":{"pattern":{"pattern":"^/a","flags":"i"},"presence":"absent"},
            "headers":[{"name":"x-a","value":null,"presence":"present"}],
            "query":[],"body":[],"notes":"why","mode":"enforce"}"#,
        );
        answers(
            r#"{"effect":"deny","regexFlags":"i","body":[{"path":"^a","value":"b"}]}"#,
            r#"{"effect":"deny","priority":500,"methods":null,"path":null,"headers":[],"query":[],
            "body":[{"path":{"pattern":"^a","flags":"i"},"value":{"pattern":"b","flags":"i"},
                "presence":"present"}],"notes":null,"mode":"enforce"}"#,
        );
    }

    #[test]
    fn both_spellings_at_once_are_refused() {
        let check = |more: &str, expected: &str| {
            check(&format!(r#"{{"effect":"deny",{more}}}"#), expected);
        };
        check(
            r#""path":{"pattern":"a"},"pathPattern":"a""#,
            "/pathPattern: this is another spelling of path: give one",
        );
        check(
            r#""path":{"pattern":"a"},"pathPresence":"absent""#,
            "/pathPresence: this is another spelling of path: give one",
        );
        check(r#""pathPresence":"absent""#, "/pathPresence: this needs a pathPattern");
        check(
            r#""headers":[],"headerChecks":[]"#,
            "/headerChecks: this is another spelling of headers: give one",
        );
        check(
            r#""query":[],"queryChecks":[]"#,
            "/queryChecks: this is another spelling of query: give one",
        );
        check(
            r#""body":[],"bodyChecks":[]"#,
            "/bodyChecks: this is another spelling of body: give one",
        );
        check(
            r#""path":{"pattern":{"pattern":"a","flags":"i","regexFlags":"i"}}"#,
            "/path/pattern/regexFlags: this is another spelling of flags: give one",
        );
        check(
            r#""regexFlags":"i","path":{"pattern":{"pattern":"a","flags":"m"}}"#,
            "/path/pattern/flags: what this stands in has flags already: give one",
        );
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check(r#"{"effect":"maybe"}"#, "/effect: expected \"allow\" or \"deny\"");
        check(
            r#"{"effect":"deny","priority":1001}"#,
            "/priority: expected a whole number from 0 to 1000",
        );
        check(
            r#"{"effect":"deny","methods":["GET","delete"]}"#,
            "/methods/1: methods are case-sensitive: write DELETE",
        );
        check(
            r#"{"effect":"deny","methods":[]}"#,
            "/methods: name a method, or leave this out: no list is any method",
        );
        check(
            r#"{"effect":"deny","path":{"pattern":{"pattern":"a","flags":"y"}}}"#,
            "/path/pattern/flags: `y` is not one of the flags imsxug",
        );
        check(
            r#"{"effect":"deny","headerChecks":[{"name":"a"},{"name":"a b"}]}"#,
            "/headerChecks/1/name: not a header name",
        );
        for (more, pointer) in [
            (r#""queryChecks":[{"name":"a","value":"(a"}]"#, "/queryChecks/0/value: "),
            (r#""pathPattern":"(?=a)""#, "/pathPattern: "),
            (r#""headers":[{"name":{"pattern":"(a"}}]"#, "/headers/0/name/pattern: "),
            (r#""body":[{"path":"(a"}]"#, "/body/0/path: "),
            (r#""body":[{"path":"a","value":{"pattern":"(a"}}]"#, "/body/0/value/pattern: "),
            (r#""body":[{"path":""},{"value":"a"}]"#, "/body/1/path: "),
            (r#""body":[{"path":"a","name":"b"}]"#, "/body/0/name: "),
            (r#""body":{"path":"a"}"#, "/body: "),
        ] {
            let said = read(&format!(r#"{{"effect":"deny",{more}}}"#)).unwrap_err();
            assert!(said.starts_with(pointer), "{said}");
        }
        check(r#"{"effect":"deny","mode":"audit"}"#, "/mode: expected \"enforce\" or \"shadow\"");
    }

    const FULL: &str = r#"{"effect":"allow","priority":900,"methods":["GET"],
        "path":{"pattern":{"pattern":"^/a","flags":"i"},"presence":"absent"},
        "headers":[{"name":"x-a","value":"^b","presence":"present"},
                   {"name":{"pattern":"^x-","flags":""},"value":null,"presence":"absent"}],
        "query":[{"name":"q","value":null,"presence":"present"}],
        "body":[{"path":"^user\\.role$","value":{"pattern":"^admin$","flags":"i"},
                 "presence":"present"},
                {"path":"^a","value":null,"presence":"absent"}],
        "notes":"why","mode":"shadow"}"#;

    #[track_caller]
    fn answers(sent: &str, expected: &str) {
        let rule = read(sent).unwrap();
        _ = rule.compiled("rul_1".into(), &Patterns::default()).unwrap();
        let answered = serde_json::to_value(&rule).unwrap();
        let mut stored = answered.clone();
        let members = stored.as_object_mut().unwrap();
        members.retain(|name, it| !Rule::goes_without_saying(name, it));
        assert_eq!(serde_json::from_value::<Rule>(stored).unwrap(), rule, "nothing is lost");
        assert_eq!(answered, serde_json::from_str::<Value>(expected).unwrap());
    }

    #[track_caller]
    fn check(document: &str, expected: &str) {
        assert_eq!(read(document).unwrap_err(), expected);
    }

    fn read(document: &str) -> Result<Rule, String> {
        let json = Json::parse(document.as_bytes()).unwrap();
        Flaws::read(json, Rule::read)
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
