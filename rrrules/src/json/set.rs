//! The rules of a scope in JSON.

use std::collections::HashSet;

use serde_json::Value;

use crate::json::document::parse;
use crate::json::error::JsonError;
use crate::json::fields::Node;
use crate::json::rule;
use crate::rule::Rule;
use crate::rule_set::RuleSet;

impl RuleSet {
    /// Reads the rules of one scope, oldest first, and compiles them.
    ///
    /// ```json
    /// {
    ///   "defaultRuleEffect": "deny",
    ///   "rules": [{
    ///     "id": "no-deletes", "effect": "deny", "priority": 900, "mode": "enforce",
    ///     "methods": ["DELETE"],
    ///     "path": {"pattern": "^/users/", "presence": "present"},
    ///     "headers": [{"name": "x-role", "value": "^guest$", "presence": "present"}],
    ///     "query": [{"name": {"pattern": "^debug", "flags": "i"}, "presence": "absent"}],
    ///     "body": [{"path": "^role$", "value": "^admin$"}],
    ///     "notes": "for people"
    ///   }]
    /// }
    /// ```
    ///
    /// - Required are `defaultRuleEffect` and, of a rule, `effect`. What else is left out, or
    ///   null, asks for nothing. The `priority` is then 500, the `mode` `enforce`, the `id` the
    ///   rule's place in the list, from `0`.
    /// - A pattern is a text, or `{"pattern", "flags"}`. Without `presence`, something must match.
    /// - A header's or query parameter's `name` is exact as a text, a pattern as an object.
    /// - Also read: `must_exist` and `must_not_exist` for `present` and `absent`; `pathPattern`
    ///   and `pathPresence` for `path`; `headerChecks`, `queryChecks`, `bodyChecks`; `regexFlags` for `flags`,
    ///   which may stand in a check or a rule for all the patterns in it. Both spellings at once
    ///   are an error.
    ///
    /// Patterns that are regular expressions cost up to milliseconds each to compile.
    ///
    /// ```
    /// use rrrules::RuleSet;
    ///
    /// let text = r#"{"defaultRuleEffect": "allow", "rules": [{"effect": "deny", "methds": []}]}"#;
    /// let error = RuleSet::from_json(text).unwrap_err();
    /// assert_eq!(error.to_string(), "/rules/0/methds: there is no such field here");
    /// ```
    ///
    /// # Errors
    /// On what is not JSON, or has two members of one name; on members that are unknown, missing
    /// or of the wrong type; on patterns that cannot be used; on more than 10,000 rules or 100
    /// checks of one kind in a rule; on rules that cannot stand together. The first is reported,
    /// with its place.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        read(&parse(text)?)
    }
}

fn read(document: &Value) -> Result<RuleSet, JsonError> {
    let mut fields = Node::root(document).object()?;
    let default = rule::effect(&fields.required("defaultRuleEffect")?)?;
    let list = fields.take("rules").map(|it| it.list(MOST_RULES)).transpose()?;
    let mut rules: Vec<Rule> = Vec::new();
    let mut ids = HashSet::new();
    for (place, node) in list.into_iter().flatten().enumerate() {
        let rule = rule::rule(&node, place.to_string())?;
        if !ids.insert(rule.id.clone()) {
            return Err(node.error(format!("there is another rule with the id `{}`", rule.id)));
        }
        rules.push(rule);
    }
    let at_rules = fields.error("rules", "");
    fields.close()?;
    RuleSet::new(rules, default)
        .map_err(|error| JsonError::new(at_rules.pointer(), error.to_string()))
}

const MOST_RULES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::CanonicalPath;
    use crate::rule::Effect::{self, Allow, Deny};
    use crate::subject::Subject;
    use http::{HeaderMap, HeaderValue, Method};

    #[test]
    fn every_criterion_is_read() {
        let text = r#"{"defaultRuleEffect":"allow","rules":[{"id":"r","effect":"deny",
            "priority":900,"methods":["GET"],"path":{"pattern":"^/a","presence":"present"},
            "headers":[{"name":"X_A","value":{"pattern":"^B$","flags":"i"}},
                       {"name":{"pattern":"^x-never"},"presence":"absent"}],
            "query":[{"name":"q","value":null,"presence":"present"}],
            "notes":"why","mode":"enforce"}]}"#;
        let set = RuleSet::from_json(text).unwrap();
        decide(&set, "GET", "/a?q", &[("x-a", "b")], (Deny, &["r"]));
        decide(&set, "PUT", "/a?q", &[("x-a", "b")], (Allow, &[]));
        decide(&set, "GET", "/b?q", &[("x-a", "b")], (Allow, &[]));
        decide(&set, "GET", "/a", &[("x-a", "b")], (Allow, &[]));
        decide(&set, "GET", "/a?q", &[("x-a", "c")], (Allow, &[]));
        decide(&set, "GET", "/a?q", &[("x-a", "b"), ("x-never", "")], (Allow, &[]));
    }

    #[test]
    fn another_spelling_says_the_same() {
        let text = r#"{"defaultRuleEffect":"deny","rules":[{"effect":"allow","regexFlags":"gi",
            "pathPattern":"^/A$","pathPresence":"must_exist",
            "headerChecks":[{"name":"x-a","presence":"must_not_exist"}],
            "queryChecks":[{"name":{"pattern":"^Q"},"value":"^V$"}]},
            {"effect":"allow","pathPattern":{"pattern":"^/B","regexFlags":"i"},
            "pathPresence":"must_not_exist","methods":["PUT"],"body":null,"id":null},
            {"effect":"allow","id":"b","methods":["POST"],
            "bodyChecks":[{"path":"^a$","presence":"must_not_exist"}]}]}"#;
        let set = RuleSet::from_json(text).unwrap();
        decide(&set, "GET", "/a?q1=v", &[], (Allow, &["0"]));
        decide(&set, "GET", "/a?q1=v", &[("x-a", "")], (Deny, &[]));
        decide(&set, "PUT", "/a", &[], (Allow, &["1"]));
        decide(&set, "PUT", "/b", &[], (Deny, &[]));
        decide(&set, "POST", "/b", &[], (Allow, &["b"]));
    }

    #[test]
    fn rules_in_shadow_mode_only_record() {
        let text = r#"{"defaultRuleEffect":"allow","rules":[{"effect":"deny","mode":"shadow"}]}"#;
        let set = RuleSet::from_json(text).unwrap();
        decide(&set, "GET", "/", &[], (Allow, &[]));
        let body = bytes::Bytes::new();
        let path = CanonicalPath::parse("/").unwrap();
        let headers = HeaderMap::new();
        let subject = Subject {
            method: &Method::GET,
            path: &path,
            query: None,
            headers: &headers,
            body: &body,
        };
        assert_eq!(set.decide(&subject).shadow.unwrap().effect, Deny);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let other = "another spelling";
        refuse_rule(r#""effect":"maybe""#, "/rules/0/effect: expected \"allow\" or \"deny\"");
        refuse_rule(r#""priority":1"#, "/rules/0/effect: this is required");
        let deny = |more: &str, expected: &str| {
            refuse_rule(&format!(r#""effect":"deny",{more}"#), &format!("/rules/0{expected}"));
        };
        deny(r#""priority":1001"#, "/priority: expected a whole number from 0 to 1000");
        deny(r#""priority":1.5"#, "/priority: expected a whole number from 0 to 1000");
        deny(r#""mode":"dry""#, "/mode: expected \"enforce\" or \"shadow\"");
        deny(
            r#""methods":[]"#,
            "/methods: name a method, or leave this out: no list is any method",
        );
        deny(
            r#""methods":["GET","delete"]"#,
            "/methods/1: methods are case-sensitive: write DELETE",
        );
        deny(r#""methods":["a b"]"#, "/methods/0: this is not a method");
        deny(r#""path":"^/a""#, "/path: expected an object");
        deny(r#""path":{"pattern":"(a"}"#, "/path/pattern: unclosed group at byte 0");
        deny(r#""path":{"pattern":"a","presense":"absent"}"#, "/path/presense: there is no such");
        deny(
            r#""path":{"pattern":{"pattern":"a","flags":"y"}}"#,
            "/path/pattern/flags: `y` is not one of the flags imsxug",
        );
        deny(r#""pathPattern":"(?=a)""#, "/pathPattern: look-around");
        deny(r#""pathPresence":"absent""#, "/pathPresence: this needs a pathPattern");
        deny(
            r#""path":{"pattern":"a"},"pathPattern":"a""#,
            &format!("/pathPattern: this is {other}"),
        );
        deny(r#""path":{"pattern":"a"},"pathPresence":"absent""#, "/pathPresence: this is another");
        deny(
            r#""headers":[],"headerChecks":[]"#,
            "/headerChecks: this is another spelling of headers",
        );
        deny(r#""query":[],"queryChecks":[]"#, "/queryChecks: this is another spelling of query");
        deny(r#""headers":[{"name":"a"},{"name":"a b"}]"#, "/headers/1/name: not a header name");
        deny(r#""headers":[{"name":{"pattern":"(a"}}]"#, "/headers/0/name/pattern: unclosed group");
        deny(r#""headers":[{"value":"a"}]"#, "/headers/0/name: this is required");
        deny(r#""query":[{"name":"a","value":"(a"}]"#, "/query/0/value: unclosed group");
        deny(r#""query":[{"name":1}]"#, "/query/0/name: expected a text");
        deny(r#""body":[{"path":"(a"}]"#, "/body/0/path: unclosed group");
        deny(r#""body":[{"name":"a"}]"#, "/body/0/path: this is required");
        deny(
            r#""regexFlags":"i","path":{"pattern":{"pattern":"a","flags":"m"}}"#,
            "/path/pattern/flags: what this stands in has flags already: give one",
        );
        deny(r#""a/b~c":1"#, "/a~1b~0c: there is no such field here");
        deny(r#""a\nb":1"#, r"/a\nb: there is no such field here");
    }

    #[test]
    fn two_spellings_of_one_thing_are_a_mistake() {
        refuse_rule(
            r#""effect":"deny","body":[],"bodyChecks":[]"#,
            "/rules/0/bodyChecks: this is another spelling of body",
        );
    }

    #[test]
    fn a_document_is_more_than_its_rules() {
        refuse("[]", "expected an object");
        refuse("{", "the document is not complete at byte 1");
        refuse(r#"{"rules":[]}"#, "/defaultRuleEffect: this is required");
        refuse(r#"{"defaultRuleEffect":"deny","rules":{}}"#, "/rules: expected a list");
        refuse(r#"{"defaultRuleEffect":"deny","rule":[]}"#, "/rule: there is no such field here");
        refuse(
            r#"{"defaultRuleEffect":"deny","rules":[{"effect":"deny","effect":"allow"}]}"#,
            "two members of one name at byte 61",
        );
        refuse(
            r#"{"defaultRuleEffect":"deny","rules":[{"effect":"deny"},{"effect":"deny","id":"0"}]}"#,
            "/rules/1: there is another rule with the id `0`",
        );
        assert!(RuleSet::from_json(r#"{"defaultRuleEffect":"deny"}"#).unwrap().is_empty());
    }

    #[test]
    fn no_mistake_quotes_a_value() {
        for text in [
            r#"{"defaultRuleEffect":"canary"}"#,
            r#"{"defaultRuleEffect":"deny","rules":[{"effect":"deny","path":"canary"}]}"#,
            r#"{"defaultRuleEffect":"deny","rules":[{"effect":"deny","headers":[{"name":"canary "}]}]}"#,
            r#"{"defaultRuleEffect":"deny","rules":[{"effect":"deny","pathPattern":"canary("}]}"#,
            r#""canary"#,
        ] {
            let said = format!("{0} {0:?}", RuleSet::from_json(text).unwrap_err());
            assert!(!said.contains("canary"), "{said}");
        }
    }

    #[track_caller]
    fn decide(
        set: &RuleSet,
        method: &str,
        target: &str,
        lines: &[(&'static str, &'static str)],
        expected: (Effect, &[&str]),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let (path, query) = target.split_once('?').map_or((target, None), |(a, b)| (a, Some(b)));
        let path = CanonicalPath::parse(path).unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let body = bytes::Bytes::new();
        let subject =
            Subject { method: &method, path: &path, query, headers: &headers, body: &body };
        let verdict = set.decide(&subject);
        let matched: Vec<&str> = verdict.matched.iter().map(AsRef::as_ref).collect();
        assert_eq!((verdict.effect, matched.as_slice()), expected, "{method} {target}");
    }

    #[track_caller]
    fn refuse_rule(members: &str, expected: &str) {
        refuse(&format!(r#"{{"defaultRuleEffect":"deny","rules":[{{{members}}}]}}"#), expected);
    }

    #[track_caller]
    fn refuse(text: &str, expected: &str) {
        let error = RuleSet::from_json(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}\n{expected}");
    }
}
