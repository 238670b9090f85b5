//! How a scope decides, as the documentation says it, in loops.

use std::sync::LazyLock;

use http::HeaderMap;
use regex::{Regex, RegexBuilder};
use rrrules::Effect::{self, Allow, Deny};

use crate::rules::*;

/// What a scope says: the effect, the rule that decides, those that fit, and the effect if those in
/// shadow mode counted, where one fits.
pub(crate) type Said = (Effect, Option<usize>, Vec<usize>, Option<Effect>);

#[derive(Clone, Copy, PartialEq)]
enum Fit {
    No,
    Yes,
    /// It would, but its body cannot be inspected.
    Uninspected,
}

pub(crate) fn decide(set: &Set, sent: &Sent) -> Said {
    let mut order: Vec<usize> = (0..set.rules.len()).collect();
    order.sort_by_key(|it| (1_000 - set.rules[*it].priority, *it));
    let headers = sent.request().headers;
    let all: Vec<Fit> = set.rules.iter().map(|it| fits(it, sent, &headers)).collect();
    let fits = |shadow: bool, fit: Fit| -> Vec<usize> {
        let of = |it: &&usize| set.rules[**it].shadow == shadow && all[**it] == fit;
        order.iter().filter(of).copied().collect()
    };
    let ruling = |rules: &[usize], uninspected: &[usize]| {
        let place = |rule: &usize| order.iter().position(|it| it == rule);
        let denies = rules.iter().filter(|it| !set.rules[**it].allows).chain(uninspected);
        match (denies.min_by_key(|it| place(it)), rules.iter().find(|it| set.rules[**it].allows)) {
            (Some(deny), _) => (Deny, Some(*deny)),
            (None, Some(allow)) => (Allow, Some(*allow)),
            (None, None) => (set.default(), None),
        }
    };
    let (enforced, waiting) = (fits(false, Fit::Yes), fits(false, Fit::Uninspected));
    let (effect, deciding) = ruling(&enforced, &waiting);
    let (shadow, shadow_waiting) = (fits(true, Fit::Yes), fits(true, Fit::Uninspected));
    let all: Vec<_> =
        order.iter().filter(|it| enforced.contains(it) || shadow.contains(it)).copied().collect();
    let all = ruling(&all, &[waiting, shadow_waiting].concat()).0;
    (effect, deciding, enforced, (!shadow.is_empty()).then_some(all))
}

fn fits(rule: &Spec, sent: &Sent, headers: &HeaderMap) -> Fit {
    let [_, canonical, decoded] = PATHS[sent.path];
    let readings = if rule.allows { vec![canonical] } else { vec![canonical, decoded] };
    let holds = (rule.methods.is_empty() || rule.methods.contains(&sent.method))
        && rule.path.is_none_or(|(it, present)| {
            readings.iter().any(|path| PATH_REGEXES[it].is_match(path) == present)
        })
        && rule.headers.iter().all(|it| header_holds(*it, headers))
        && rule.query.iter().all(|it| query_holds(*it, sent, rule.allows));
    match (holds, rule.body.is_empty(), BODIES[sent.body].starts_with('<')) {
        (true, true, _) => Fit::Yes,
        (true, false, true) => Fit::Uninspected,
        (true, false, false) if rule.body.iter().all(|it| body_holds(*it, sent)) => Fit::Yes,
        (false, _, _) | (true, false, false) => Fit::No,
    }
}

// Lines of a name that is spelled in two ways are those of one header, for a check on a name.
fn header_holds(check: Check, map: &HeaderMap) -> bool {
    let dashed = |it: &str| it.replace('_', "-");
    let lines: Vec<Vec<String>> = if check.by_pattern {
        let is_meant = |name: &str| {
            let spellings = [name.to_owned(), dashed(name), name.replace('-', "_")];
            spellings.iter().any(|it| HEADER_REGEXES[check.name].is_match(it))
        };
        let texts =
            |name| map.get_all(name).iter().map(|it| it.to_str().unwrap().to_owned()).collect();
        map.keys().filter(|it| is_meant(it.as_str())).map(texts).collect()
    } else {
        let named = map.iter().filter(|(it, _)| dashed(it.as_str()) == dashed(NAMES[check.name]));
        vec![named.map(|(_, value)| value.to_str().unwrap().to_owned()).collect()]
    };
    let found = lines.iter().any(|lines| match check.value {
        None => !lines.is_empty(),
        Some(it) => {
            let joined = [lines.join(","), lines.join(", ")];
            let texts = lines.iter().chain(joined.iter().filter(|_| lines.len() > 1));
            texts.into_iter().any(|text| VALUE_REGEXES[it].is_match(text))
        }
    });
    found == check.present
}

// Of several values of a name, a deny needs one and an allow all.
fn query_holds(check: Check, sent: &Sent, allows: bool) -> bool {
    let is_meant = |name: &str| match check.by_pattern {
        true => NAME_REGEXES[check.name].is_match(name),
        false => NAMES[check.name] == name,
    };
    let is_wanted =
        |value: usize| check.value.is_none_or(|it| VALUE_REGEXES[it].is_match(VALUES[value]));
    let meant: Vec<_> = sent.query.iter().filter(|(name, _)| is_meant(NAMES[*name])).collect();
    let some = meant.iter().any(|(_, value)| is_wanted(*value));
    let whole = meant.iter().any(|(name, _)| {
        meant.iter().filter(|(other, _)| other == name).all(|(_, value)| is_wanted(*value))
    });
    match (check.present, allows) {
        (true, true) => whole,
        (true, false) => some,
        (false, true) => !some,
        (false, false) => !whole,
    }
}

fn body_holds(check: Check, sent: &Sent) -> bool {
    let text = if BODIES[sent.body].is_empty() { "{}" } else { BODIES[sent.body] };
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    let value = document.get(NAMES[check.name]);
    let found = value.is_some_and(|it| {
        check.value.is_none_or(|pattern| VALUE_REGEXES[pattern].is_match(it.as_str().unwrap()))
    });
    found == check.present
}

static PATH_REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| regexes(&PATH_PATTERNS, false));
static HEADER_REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| regexes(&NAME_PATTERNS, true));
static NAME_REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| regexes(&NAME_PATTERNS, false));
static VALUE_REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| regexes(&VALUE_PATTERNS, false));

fn regexes(sources: &[&str], any_case: bool) -> Vec<Regex> {
    let regex = |it: &&str| RegexBuilder::new(it).case_insensitive(any_case).build().unwrap();
    sources.iter().map(regex).collect()
}
