//! What is said to change nothing, against what becomes of requests without it.

use proptest::collection::vec;
use proptest::prelude::*;
use rrrules::{RuleSet, WarningKind};

use crate::random::{cases, sent, set};

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_outcome_depends_on_a_rule_that_is_said_to_be_pointless(
        set in set(12),
        sent in vec(sent(), 1..8),
    ) {
        let compiled = set.compiled();
        let warnings = compiled.lint();
        let pointless: Vec<&str> = warnings
            .iter()
            .filter(|it| match it.kind {
                WarningKind::Shadowed | WarningKind::NoEffect => true,
                // The others say that a criterion is met by all, or what comes of a rule all the same.
                WarningKind::NeverMatches | WarningKind::NonCanonical => {
                    !it.reason.contains("fits whatever the path is")
                        && !it.reason.ends_with("is refused on its behalf.")
                }
                _ => false,
            })
            .filter_map(|it| it.rule.as_deref())
            .collect();
        let shorter: RuleSet = set.without(&pointless);
        for sent in &sent {
            let request = sent.request();
            let (whole, shorter) =
                (compiled.decide(&request.subject()), shorter.decide(&request.subject()));
            prop_assert_eq!(whole.effect, shorter.effect, "{:?} {:?}", &warnings, sent);
        }
    }
}
