//! Random rules and requests.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;

use crate::rules::*;

/// So many cases as `RR_CASES` says, or few enough for every day.
pub fn cases() -> ProptestConfig {
    let cases = std::env::var("RR_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(1_500);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Up to `most` rules: above six, they are found by the index.
pub fn set(most: usize) -> impl Strategy<Value = Set> {
    (any::<bool>(), vec(spec(), 0..=most))
        .prop_map(|(default_allows, rules)| Set { default_allows, rules })
}

pub fn sent() -> impl Strategy<Value = Sent> {
    let pairs = || vec((0..NAMES.len(), 0..VALUES.len()), 0..4);
    let body = prop_oneof![2 => Just(0), 1 => 0..BODIES.len()];
    (0..METHODS.len(), 0..PATHS.len(), pairs(), pairs(), body).prop_map(
        |(method, path, query, headers, body)| Sent { method, path, query, headers, body },
    )
}

fn spec() -> impl Strategy<Value = Spec> {
    let priority = prop_oneof![Just(0), Just(500), Just(501), Just(1_000)];
    let methods = prop_oneof![2 => Just(Vec::new()), 1 => vec(0..METHODS.len(), 1..3)];
    // Most paths are there: a rule without one fits too much for others to matter.
    let path = weighted(0.8, (0..PATH_PATTERNS.len(), prop::bool::weighted(0.8)));
    let few = || prop_oneof![3 => Just(Vec::new()), 1 => vec(check(), 1..3)];
    let body = prop_oneof![9 => Just(Vec::new()), 1 => vec(check(), 1..3)];
    let effect = (any::<bool>(), priority, prop::bool::weighted(0.1));
    (effect, methods, path, few(), few(), body).prop_map(
        |((allows, priority, shadow), methods, path, headers, query, body)| Spec {
            allows, priority, shadow, methods, path, headers, query, body,
        },
    )
}

fn check() -> impl Strategy<Value = Check> {
    let name = 0..NAMES.len();
    (name, prop::bool::weighted(0.3), of(0..VALUE_PATTERNS.len()), prop::bool::weighted(0.7))
        .prop_map(|(name, by_pattern, value, present)| Check { name, by_pattern, value, present })
}
