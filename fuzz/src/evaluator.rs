//! A scope decides as the reference does, by itself and beside another.

use http::Extensions;
use rrcore::Scope;
use rrrules::{Effect, Mode, RuleOutcome, RuleSet, RulesLayer};

use crate::reference;
use crate::rules::{
    BODIES, Check, METHODS, NAMES, PATH_PATTERNS, PATHS, Sent, Set, Spec, VALUE_PATTERNS, VALUES,
};

/// The first byte is the default, the second how many rules ask for the body; nine bytes are the
/// request, and each eight after it a rule.
///
/// Of most inputs only a few rules are taken, and none that asks for the body: to compile many, or
/// automata for bodies, takes twenty times as long. Of which inputs all are, nobody can learn.
///
/// # Panics
/// When the crate and the reference do not agree.
pub fn check(data: &[u8]) {
    check_part(data, Part::of(data));
}

/// As [`check`], and with each part of the rules, and with all: for what the corpus is kept for.
///
/// # Panics
/// When the crate and the reference do not agree.
pub fn check_whole(data: &[u8]) {
    check(data);
    for part in [Part::FEW, Part::MANY, Part::WITH_BODIES, Part::ALL] {
        check_part(data, part);
    }
}

/// Which of the rules are taken.
#[derive(Clone, Copy)]
struct Part {
    rules: usize,
    bodies: bool,
}

impl Part {
    const FEW: Self = Self { rules: 6, bodies: false };
    const MANY: Self = Self { rules: MOST_RULES, bodies: false };
    const WITH_BODIES: Self = Self { rules: 6, bodies: true };
    const ALL: Self = Self { rules: MOST_RULES, bodies: true };

    fn of(data: &[u8]) -> Self {
        // FNV-1a, of which the upper bits are the better ones.
        let mix = |hash: u32, it: &u8| (hash ^ u32::from(*it)).wrapping_mul(0x0100_0193);
        match data.iter().fold(0x811c_9dc5, mix) >> 27 {
            0 => Self::MANY,
            1 => Self::WITH_BODIES,
            _ => Self::FEW,
        }
    }
}

fn check_part(data: &[u8], part: Part) {
    let [first, bodies, rest @ ..] = data else { return };
    let Some((sent, rules)) = rest.split_first_chunk() else { return };
    let (sent, rules) = (request(sent), rules.chunks_exact(RULE).filter_map(<[u8]>::first_chunk));
    let mut set =
        Set { default_allows: first & 1 > 0, rules: rules.take(part.rules).map(rule).collect() };
    // An automaton for each name takes longer than all else.
    let asking = set.rules.iter_mut().filter(|it| !it.body.is_empty());
    let bodies = if part.bodies { usize::from(bodies % 8) } else { 0 };
    asking.skip(bodies).for_each(|it| it.body.clear());
    let compiled = set.compiled();
    agree(&set, &compiled, &sent);
    if first & 2 > 0 {
        // The same rules, of which each scope has half.
        let other = Set { default_allows: true, rules: set.rules.split_off(set.rules.len() / 2) };
        agree_together(&set, &other, &sent);
    }
}

fn agree(set: &Set, compiled: &RuleSet, sent: &Sent) {
    let request = sent.request();
    let explanation = compiled.explain(&request.subject());
    let verdict = compiled.decide(&request.subject());
    let (effect, deciding, matched, shadow) = reference::decide(set, sent);
    assert_eq!(verdict.effect, effect);
    assert_eq!(verdict.deciding.as_ref().map(|it| number(&it.id)), deciding);
    assert_eq!(verdict.matched.iter().map(|it| number(it)).collect::<Vec<_>>(), matched);
    if let Some(shadow) = shadow {
        assert_eq!(verdict.shadow.as_ref().map(|it| it.effect), Some(shadow));
    }
    assert_eq!(explanation.verdict, verdict);
    assert_eq!(explanation.rules.len(), set.rules.len());
    let fitting = |mode| {
        let fits = explanation.rules.iter().filter(|it| it.outcome == RuleOutcome::Fits);
        fits.filter(move |it| it.mode == mode).map(|it| it.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(fitting(Mode::Enforce), verdict.matched);
    assert_eq!(fitting(Mode::Shadow), verdict.shadow.map_or(Vec::new(), |it| it.matched));
}

// The first scope that denies is told.
fn agree_together(set: &Set, other: &Set, sent: &Sent) {
    let scopes = [(Scope::TargetCredential, other), (Scope::Proxy, set)];
    let layer = scopes
        .iter()
        .fold(RulesLayer::new(), |layer, (scope, set)| layer.scope(*scope, set.compiled()));
    let request = sent.request();
    let refusal = layer.explain(&request.subject(), &Extensions::new()).refusal;
    let mut said = scopes.iter().map(|(scope, set)| (scope, reference::decide(set, sent)));
    let Some((scope, (_, deciding, ..))) = said.find(|(_, it)| it.0 == Effect::Deny) else {
        assert!(refusal.is_none());
        return;
    };
    let refusal = refusal.expect("a scope denies");
    let rule = refusal.get_member("rule").expect("a rule denies, or a default");
    assert_eq!(rule["scope"].as_str(), Some(scope.as_str()));
    assert_eq!(rule["id"].as_str().map(number), deciding);
}

fn number(id: &str) -> usize {
    id.parse().expect("the ids are numbers")
}

fn request(bytes: &[u8; REQUEST]) -> Sent {
    let [method, path, body, query @ .., first, second, third] = bytes;
    // In each byte, whether there is a pair, and which.
    let pairs = |bytes: &[u8]| {
        let given = bytes.iter().filter(|it| **it & GIVEN > 0);
        given.map(|it| (place(*it & 3, &NAMES), place(*it >> 2 & 0x1f, &VALUES))).collect()
    };
    Sent {
        method: place(*method, &METHODS),
        path: place(*path, &PATHS),
        query: pairs(query),
        headers: pairs(&[*first, *second, *third]),
        body: place(*body, &BODIES),
    }
}

fn rule(bytes: &[u8; RULE]) -> Spec {
    let [head, methods, path, header, other_header, query, other_query, body] = *bytes;
    let checks = |bytes: &[u8]| bytes.iter().filter_map(|it| check_of(*it)).collect();
    Spec {
        allows: head & 1 > 0,
        // One in eight: most are there to decide.
        shadow: head >> 1 & 7 == 7,
        priority: [0, 500, 501, 1_000][usize::from(head >> 4 & 3)],
        methods: (0..METHODS.len()).filter(|it| methods >> it & 1 > 0).collect(),
        path: (head >> 7 == 0).then(|| (place(path, &PATH_PATTERNS), head >> 6 & 1 == 0)),
        headers: checks(&[header, other_header]),
        query: checks(&[query, other_query]),
        body: checks(&[body]),
    }
}

fn check_of(byte: u8) -> Option<Check> {
    let value = usize::from(byte >> 4 & 7);
    (byte & GIVEN > 0).then(|| Check {
        name: usize::from(byte & 3),
        by_pattern: byte >> 2 & 1 > 0,
        present: byte >> 3 & 1 == 0,
        value: (value < VALUE_PATTERNS.len()).then_some(value),
    })
}

fn place<T>(byte: u8, table: &[T]) -> usize {
    usize::from(byte) % table.len()
}

const REQUEST: usize = 9;
const RULE: usize = 8;
const MOST_RULES: usize = 24;
// The bit of a byte that says whether something is there.
const GIVEN: u8 = 0x80;
