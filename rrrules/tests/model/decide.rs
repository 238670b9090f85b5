//! One scope and four, against the reference.

use std::sync::Arc;

use http::Extensions;
use proptest::collection::vec;
use proptest::prelude::*;
use rrcore::Scope;
use rrrules::{Effect, Mode, RuleOutcome, RulesLayer};

use crate::random::{cases, sent, set};
use crate::reference;

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_scope_decides_as_the_reference_does(set in set(40), sent in vec(sent(), 1..4)) {
        let compiled = set.compiled();
        for sent in &sent {
            let verdict = compiled.decide(&sent.request().subject());
            let (effect, deciding, matched, shadow) = reference::decide(&set, sent);
            let number = |id: &Arc<str>| id.parse::<usize>().unwrap();
            prop_assert_eq!(verdict.effect, effect);
            prop_assert_eq!(verdict.deciding.map(|it| number(&it.id)), deciding);
            prop_assert_eq!(verdict.matched.iter().map(number).collect::<Vec<_>>(), matched);
            if let Some(shadow) = shadow {
                prop_assert_eq!(verdict.shadow.map(|it| it.effect), Some(shadow));
            }
        }
    }

    #[test]
    fn explaining_says_what_deciding_does(set in set(40), sent in sent()) {
        let (compiled, request) = (set.compiled(), sent.request());
        let explanation = compiled.explain(&request.subject());
        let verdict = compiled.decide(&request.subject());
        prop_assert_eq!(&explanation.verdict, &verdict);
        let fitting = |mode| {
            let rules = explanation.rules.iter();
            let rules = rules.filter(move |it| it.mode == mode && it.outcome == RuleOutcome::Fits);
            rules.map(|it| Arc::clone(&it.id)).collect::<Vec<_>>()
        };
        prop_assert_eq!(fitting(Mode::Enforce), verdict.matched);
        prop_assert_eq!(fitting(Mode::Shadow), verdict.shadow.map_or(Vec::new(), |it| it.matched));
        prop_assert_eq!(explanation.rules.len(), set.rules.len());
    }

    #[test]
    fn four_scopes_allow_what_each_of_them_allows(sets in vec(set(10), 4), sent in sent()) {
        let mut layer = RulesLayer::new();
        for (scope, set) in Scope::ALL.into_iter().zip(&sets) {
            layer = layer.scope(scope, set.compiled());
        }
        let request = sent.request();
        let refusal = layer.explain(&request.subject(), &Extensions::new()).refusal;
        let rule = refusal.as_ref().and_then(|it| it.get_member("rule"));
        let mut said = Scope::ALL.iter().zip(&sets).map(|(scope, set)| (scope, reference::decide(set, &sent)));
        match said.find(|(_, (effect, ..))| *effect == Effect::Deny) {
            None => prop_assert!(refusal.is_none()),
            Some((scope, (_, deciding, ..))) => {
                let rule = rule.unwrap();
                prop_assert_eq!(rule["scope"].as_str().unwrap(), scope.as_str());
                prop_assert_eq!(rule["id"].as_str().map(|it| it.parse().unwrap()), deciding);
            }
        }
    }
}
