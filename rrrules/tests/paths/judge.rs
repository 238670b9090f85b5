//! What rules say about a path and its other readings.

use bytes::Bytes;
use http::{HeaderMap, Method};
use regex::Regex;
use rrrules::{CanonicalPath, Effect, Pattern, Presence, Rule, RuleSet, Subject};

/// A path is denied where a deny fits any reading; an allow must fit the canonical one.
pub(crate) struct Judge {
    rules: RuleSet,
    denies: Vec<Regex>,
    /// Without any, what is not denied is allowed.
    allow: Option<Regex>,
}

impl Judge {
    /// Allows what is known to be public, and nothing else.
    pub(crate) fn of_what_is_public() -> Self {
        let denies = [r"^/admin(/|$)", r"^/internal/.*\.key$"];
        Self {
            rules: rules(&denies, Some("^/public/")),
            denies: denies.map(regex).into(),
            allow: Some(regex("^/public/")),
        }
    }

    /// Allows all but what it denies, so that only the denies stand before it: each for any case,
    /// with and without a slash at the end.
    pub(crate) fn of_what_is_forbidden() -> Self {
        let denies = [r"(?i)^/admin(/|$)", r"(?i)^/internal/.*\.key/?$"];
        Self { rules: rules(&denies, None), denies: denies.map(regex).into(), allow: None }
    }

    pub(crate) fn allows(&self, path: &CanonicalPath) -> bool {
        let subject = Subject {
            method: &Method::GET,
            path,
            query: None,
            headers: &HeaderMap::new(),
            body: &Bytes::new(),
        };
        self.rules.decide(&subject).effect == Effect::Allow
    }

    /// As if the path had no other reading.
    pub(crate) fn allows_alone(&self, path: &str) -> bool {
        !self.denies(path) && self.allow.as_ref().is_none_or(|it| it.is_match(path))
    }

    fn denies(&self, path: &str) -> bool {
        self.denies.iter().any(|it| it.is_match(path))
    }
}

fn rules(denies: &[&str], allow: Option<&str>) -> RuleSet {
    let rule = |pattern: &str, effect| {
        Rule::new(pattern, effect).path(Pattern::new(pattern, "").unwrap(), Presence::Present)
    };
    let mut rules: Vec<Rule> = denies.iter().map(|it| rule(it, Effect::Deny)).collect();
    rules.extend(allow.map(|it| rule(it, Effect::Allow)));
    // Enough others that the rules are looked for, and not only asked one by one.
    rules.extend((0..8).map(|it| rule(&format!("^/other{it}/"), Effect::Deny)));
    RuleSet::new(rules, if allow.is_some() { Effect::Deny } else { Effect::Allow }).unwrap()
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}
