//! Hostile queries against rules, with upstreams that read a query in every usual way.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use http::{HeaderMap, Method};
use proptest::prelude::*;
use rrrules::{
    CanonicalPath, Effect, Pattern, Presence, QueryCheck, QueryName, Rule, RuleSet, Subject,
};

const QUERIES: &str = "((role|x|r%6Fle|Role|role%5B%5D)(=|%3d|==)?\
    (admin|user|%61dmin|us%65r|ad|min|%2561dmin|%00|%ff|%zz)?(&|;|\\+|%26|%3B|&&)?){0,6}";

proptest! {
    #[test]
    fn no_upstream_sees_what_is_denied(raw in QUERIES) {
        let deny = rules(Effect::Deny, "^admin$", Presence::Present);
        let allow_without = rules(Effect::Allow, "^admin$", Presence::Absent);
        for rules in [deny, allow_without] {
            if decide(&rules, &raw) == Effect::Allow {
                for how in Upstream::all() {
                    prop_assert!(!how.roles(&raw).contains(&"admin".to_owned()), "{}", raw);
                }
            }
        }
    }

    #[test]
    fn an_upstream_sees_nothing_but_what_is_asked_for(raw in QUERIES) {
        let allow = rules(Effect::Allow, "^user$", Presence::Present);
        let deny_without = rules(Effect::Deny, "^user$", Presence::Absent);
        for (rules, semicolons) in [(&allow, &[false][..]), (&deny_without, &[false, true])] {
            if decide(rules, &raw) == Effect::Allow {
                for &splits_at_semicolons in semicolons {
                    let how = Upstream { splits_at_semicolons, keeps_plus: false };
                    let roles = how.roles(&raw);
                    prop_assert!(!roles.is_empty(), "{}", raw);
                    prop_assert!(roles.iter().all(|it| it == "user"), "{}", raw);
                }
            }
        }
    }
}

#[test]
fn the_upstreams_notice_what_a_naive_rule_would_let_through() {
    for raw in ["role=user&role=admin", "x;role=admin", "r%6fle=%61dmin", "role=admin&role=user"] {
        let sees = |it: Upstream| it.roles(raw).contains(&"admin".to_owned());
        assert!(Upstream::all().into_iter().any(sees), "{raw}");
    }
}

#[test]
fn a_thousand_pairs_are_judged_like_one() {
    let rules = rules(Effect::Deny, "^admin$", Presence::Present);
    let users = "role=user&".repeat(1_000);
    assert_eq!(decide(&rules, &users), Effect::Allow);
    assert_eq!(decide(&rules, &format!("{users}role=admin")), Effect::Deny);
    assert_eq!(decide(&rules, &format!("role=admin&{users}")), Effect::Deny);
}

// One rule on `role`; what it does not fit becomes of the opposite.
fn rules(effect: Effect, value: &str, presence: Presence) -> RuleSet {
    let value = Some(Pattern::new(value, "").unwrap());
    let check = QueryCheck { name: QueryName::exact("role"), value, presence };
    let default = match effect {
        Effect::Allow => Effect::Deny,
        Effect::Deny => Effect::Allow,
    };
    RuleSet::new(vec![Rule::new("rul_1", effect).query(check)], default).unwrap()
}

fn decide(rules: &RuleSet, raw: &str) -> Effect {
    let path = CanonicalPath::parse("/").unwrap();
    let (method, headers) = (Method::GET, HeaderMap::new());
    let body = &bytes::Bytes::new();
    let subject =
        Subject { method: &method, path: &path, query: Some(raw), headers: &headers, body };
    rules.decide(&subject).effect
}

#[derive(Clone, Copy)]
struct Upstream {
    splits_at_semicolons: bool,
    keeps_plus: bool,
}

impl Upstream {
    fn all() -> [Self; 4] {
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(splits_at_semicolons, keeps_plus)| Self { splits_at_semicolons, keeps_plus })
    }

    // Every value of `role`: an upstream may take the first, the last or all.
    fn roles(self, raw: &str) -> Vec<String> {
        let pieces = raw.split(|it| it == '&' || (it == ';' && self.splits_at_semicolons));
        let pairs = pieces.map(|it| it.split_once('=').unwrap_or((it, "")));
        let roles = pairs.filter(|(name, _)| self.decode(name) == "role");
        roles.map(|(_, value)| self.decode(value)).collect()
    }

    fn decode(self, raw: &str) -> String {
        let raw = if self.keeps_plus { raw.to_owned() } else { raw.replace('+', " ") };
        let mut parts = raw.split('%');
        let mut decoded = parts.next().unwrap().to_owned();
        for part in parts {
            match part.get(..2).and_then(|it| u8::from_str_radix(it, 16).ok()) {
                Some(byte) => decoded.extend(
                    [char::from(byte)].iter().chain(&part[2..].chars().collect::<Vec<_>>()),
                ),
                None => decoded.extend(["%", part]),
            }
        }
        decoded
    }
}
