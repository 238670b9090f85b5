//! What is said of requests that are only described, against what becomes of them.

use proptest::collection::vec;
use proptest::prelude::*;
use rrcore::Scope;
use rrrules::{Described, Effect, Outcome, Scopes};

use crate::random::{cases, sent, set};
use crate::reference;
use crate::rules::{NAMES, Sent, Set};

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn of_a_known_request_the_outcome_is_what_each_set_decides(
        before in vec(set(8), 1..=4),
        after in vec(set(8), 1..=4),
        sent in sent(),
    ) {
        let outcome = scopes(&before).compare(&scopes(&after), &described(&sent, [true; 3], false));
        let (from, to) = (effect(&before, &sent), effect(&after, &sent));
        match outcome {
            Outcome::Same(same) => prop_assert!(same == from && same == to),
            Outcome::Flips { from: was, to: is, .. } => prop_assert_eq!((was, is), (from, to)),
            undecided => prop_assert!(false, "{undecided:?}"),
        }
    }

    // What is not known may be anything: here it is what was sent.
    #[test]
    fn whatever_is_not_known_what_is_decided_stays(
        before in vec(set(8), 1..=2),
        more in vec(set(8), 0..=1),
        known: [bool; 3],
        names: bool,
        sent in sent(),
    ) {
        // With some rules the same before and after.
        let after = [more, before[..1].to_vec()].concat();
        let outcome = scopes(&before).compare(&scopes(&after), &described(&sent, known, names));
        let (from, to) = (effect(&before, &sent), effect(&after, &sent));
        match outcome {
            Outcome::Same(same) => prop_assert!(same == from && same == to),
            Outcome::SameEitherWay => prop_assert_eq!(from, to),
            Outcome::Flips { from: was, to: is, .. } => prop_assert_eq!((was, is), (from, to)),
            Outcome::Undecidable { needs } => prop_assert!(!needs.is_empty()),
        }
    }
}

fn scopes(sets: &[Set]) -> Scopes {
    let all = Scope::ALL.into_iter().zip(sets);
    all.fold(Scopes::allow_all(), |scopes, (scope, set)| scopes.scope(scope, set.compiled()))
}

fn effect(sets: &[Set], sent: &Sent) -> Effect {
    match sets.iter().all(|it| reference::decide(it, sent).0 == Effect::Allow) {
        true => Effect::Allow,
        false => Effect::Deny,
    }
}

// With the headers, the query and the body, where they are known; of the query at least the names,
// if `names`.
fn described(sent: &Sent, [headers, query, body]: [bool; 3], names: bool) -> Described {
    let request = sent.request();
    let mut described = Described::new(request.method, request.path);
    if headers {
        described = described.headers(request.headers);
    }
    if query {
        described = described.query(request.query);
    } else if names {
        described = described.query_names(sent.query.iter().map(|(name, _)| NAMES[*name]));
    }
    if body {
        described = described.body(request.body);
    }
    described
}
