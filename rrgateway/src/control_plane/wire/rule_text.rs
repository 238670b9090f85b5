//! A rule as it is stored, and kept: read when somebody asks for what it says.

use std::sync::Arc;

use rrrules::Rule as Compiled;
use serde_json::Value;

use crate::control_plane::wire::answer;
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::rule::Rule;

/// The text of a [`Rule`].
///
/// Most of a configuration are rules, and most rules are asked for when the first request comes for
/// what they hang on: a start that has to read none of them takes a fifth less time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleText(Box<str>);

impl RuleText {
    /// What was stored. Whether it is a rule is found out when it is read: what cannot be is told
    /// then, and denies.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) const fn as_str(&self) -> &str {
        &self.0
    }

    /// What it says.
    pub(crate) fn read(&self) -> serde_json::Result<Rule> {
        serde_json::from_str(&self.0)
    }

    /// All that it says, as it is shown: also what goes without saying.
    pub(crate) fn to_json(&self) -> Value {
        let rule = self.read().and_then(serde_json::to_value);
        rule.or_else(|_| serde_json::from_str(&self.0)).unwrap_or_default()
    }

    /// As [`RuleText::to_json`]; of what is no rule, also why it is none.
    pub(crate) fn shown(&self) -> Value {
        let rule = self.read().and_then(serde_json::to_value);
        rule.unwrap_or_else(|why| {
            answer::with(self.to_json(), [("unreadable", why.to_string().into())])
        })
    }

    /// As [`Rule::compiled`].
    pub(crate) fn compiled(&self, id: Arc<str>, patterns: &Patterns) -> Result<Compiled, Flaw> {
        let unreadable = |it| Flaw::new("", format!("what is stored of it is no rule: {it}"));
        self.read().map_err(unreadable)?.compiled(id, patterns)
    }
}

/// Keys are in alphabetical order, so equal rules are equal texts; and what goes without saying is
/// not there.
impl From<&Rule> for RuleText {
    fn from(rule: &Rule) -> Self {
        // Only maps whose keys are no texts cannot be written, and there are none.
        let mut json = serde_json::to_value(rule).unwrap_or_default();
        if let Value::Object(members) = &mut json {
            members.retain(|name, it| !Rule::goes_without_saying(name, it));
        }
        Self(json.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_goes_without_saying_is_shown_and_not_stored() {
        let text = RuleText::stored(r#"{"effect":"deny","priority":7}"#);
        let rule = text.read().unwrap();
        assert_eq!(RuleText::from(&rule), text);
        let shown = text.to_json();
        assert_eq!((&shown["mode"], &shown["headers"]), (&json!("enforce"), &json!([])));
    }

    #[test]
    fn what_is_no_rule_is_shown_as_it_is_and_cannot_be_compiled() {
        let text = RuleText::stored(r#"{"effect":"ignore"}"#);
        assert_eq!(text.to_json(), json!({ "effect": "ignore" }));
        assert_eq!(text.shown()["effect"], "ignore");
        for text in [text.as_str(), "zzz", "[1]"] {
            let why = &RuleText::stored(text).shown()["unreadable"];
            assert!(why.as_str().is_some_and(|it| !it.is_empty()), "{text}: {why}");
        }
        let flaw = text.compiled("r".into(), &Patterns::default()).unwrap_err();
        assert!(flaw.detail.contains("no rule: unknown variant `ignore`"), "{}", flaw.detail);
    }
}
