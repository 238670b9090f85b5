//! A rule: allow or deny, on method, path and headers.

use http::{HeaderName, Method};
use rrrules::{HeaderCheck as Check, NameMatch, Rule as Compiled};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Flaw, Node};
use crate::control_plane::wire::pattern::{Pattern, Presence};
use crate::control_plane::wire::text::Effect;

/// As it is stored and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) effect: Effect,
    pub(crate) priority: u16,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) path: Option<PathCheck>,
    pub(crate) headers: Vec<HeaderCheck>,
    pub(crate) notes: Option<String>,
}

/// What is asked of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathCheck {
    pub(crate) pattern: Pattern,
    pub(crate) presence: Presence,
}

/// What is asked of the headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderCheck {
    /// Plain: exactly this header; full: all that the pattern is found in.
    pub(crate) name: Pattern,
    pub(crate) value: Option<Pattern>,
    pub(crate) presence: Presence,
}

impl Rule {
    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let effect = fields.required("effect", |it| it.word(&Effect::WORDS));
        let priority = fields.or("priority", 500, |it| it.integer(0..=1_000));
        let methods = fields.optional("methods", methods);
        let path = fields.optional("path", PathCheck::read);
        let headers =
            fields.or("headers", Vec::new(), |it| it.list(MOST_CHECKS, HeaderCheck::read));
        let notes = fields.optional("notes", |it| it.text(0..=4_096));
        fields.close();
        Some(Self {
            effect: effect?,
            priority: u16::try_from(priority?).ok()?,
            methods: methods?,
            path: path?,
            headers: headers?,
            notes: notes?,
        })
    }

    /// The rule that judges requests.
    pub(crate) fn compiled(&self, id: &str) -> Result<Compiled, Flaw> {
        let mut rule = Compiled::new(id, effect(self.effect)).priority(self.priority);
        if let Some(methods) = &self.methods {
            rule = rule.methods(methods);
        }
        if let Some(PathCheck { pattern, presence }) = &self.path {
            let pattern = pattern.compiled().map_err(|it| flaw("/path/pattern", &it))?;
            rule = rule.path(pattern, presence.judged());
        }
        for (index, check) in self.headers.iter().enumerate() {
            rule = rule.header(check.compiled(&format!("/headers/{index}"))?);
        }
        Ok(rule)
    }
}

impl PathCheck {
    fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let pattern = fields.required("pattern", Pattern::read);
        let presence = Presence::read(&mut fields);
        fields.close();
        Some(Self { pattern: pattern?, presence: presence? })
    }
}

impl HeaderCheck {
    fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let name = fields.required("name", Pattern::read);
        let value = fields.optional("value", Pattern::read);
        let presence = Presence::read(&mut fields);
        fields.close();
        Some(Self { name: name?, value: value?, presence: presence? })
    }

    fn compiled(&self, at: &str) -> Result<Check, Flaw> {
        let name = match &self.name {
            Pattern::Plain(name) => {
                let name: Result<HeaderName, _> = name.parse();
                let name = name.map_err(|_| flaw(format!("{at}/name"), &"not a header name"))?;
                NameMatch::exact(name)
            }
            Pattern::Full(full) => NameMatch::pattern(&full.pattern, &full.flags)
                .map_err(|it| flaw(format!("{at}/name"), &it))?,
        };
        let value = self.value.as_ref().map(Pattern::compiled).transpose();
        let value = value.map_err(|it| flaw(format!("{at}/value"), &it))?;
        Ok(Check { name, value, presence: self.presence.judged() })
    }
}

/// What decides, for a word.
pub(crate) const fn effect(effect: Effect) -> rrrules::Effect {
    match effect {
        Effect::Allow => rrrules::Effect::Allow,
        Effect::Deny => rrrules::Effect::Deny,
    }
}

fn methods(node: Node<'_>) -> Option<Vec<String>> {
    if node.is_empty_list() {
        return node.flaw("name a method, or leave this out: no list is any method");
    }
    node.list(MOST_CHECKS, |it| it.parsed(1..=32, |text| method(&text)))
}

// Methods are case-sensitive (RFC 9110 §9.1): a rule against `delete` would let DELETE pass.
fn method(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    Method::from_bytes(text.as_bytes()).map_err(|_| "this is not a method".to_owned())?;
    if upper != text && KNOWN.contains(&upper.as_str()) {
        return Err(format!("methods are case-sensitive: write {upper}"));
    }
    Ok(text.to_owned())
}

fn flaw(pointer: impl Into<String>, why: &impl ToString) -> Flaw {
    Flaw::new(pointer, why.to_string())
}

const MOST_CHECKS: usize = 100;
const KNOWN: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn a_rule_that_asks_for_nothing_only_has_an_effect() {
        let rule = read(r#"{"effect":"deny"}"#).unwrap();
        assert_eq!((rule.effect, rule.priority), (Effect::Deny, 500));
        assert_eq!((rule.methods, rule.path, rule.headers), (None, None, Vec::new()));
    }

    #[test]
    fn what_is_answered_is_what_was_written() {
        let text = r#"{"effect":"allow","priority":900,"methods":["GET"],
            "path":{"pattern":{"pattern":"^/a","flags":"i"},"presence":"absent"},
            "headers":[{"name":"x-a","value":"^b","presence":"present"},
                       {"name":{"pattern":"^x-","flags":""},"value":null,"presence":"absent"}],
            "notes":"why"}"#;
        let answered = serde_json::to_value(read(text).unwrap()).unwrap();
        assert_eq!(answered, serde_json::from_str::<serde_json::Value>(text).unwrap());
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
            "/path/pattern: `y` is not one of the flags imsxug",
        );
        check(
            r#"{"effect":"deny","headers":[{"name":"a"},{"name":"a b"}]}"#,
            "/headers/1/name: not a header name",
        );
        check(r#"{"effect":"deny","query":[]}"#, "/query: there is no such field here");
    }

    #[track_caller]
    fn check(document: &str, expected: &str) {
        assert_eq!(read(document).unwrap_err(), expected);
    }

    fn read(document: &str) -> Result<Rule, String> {
        let json = Json::parse(document.as_bytes()).unwrap();
        let read = Flaws::read(json, Rule::read).and_then(|rule| {
            let compiled = rule.compiled("rul_1").map(drop);
            compiled.map(|()| rule).map_err(|it| vec![it])
        });
        read.map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
