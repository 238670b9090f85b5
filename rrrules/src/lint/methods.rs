//! Methods that no request will have.

use crate::lint::warning::{Warn, WarningKind};
use crate::rule::Rule;

pub(super) fn lint(rule: &Rule, warn: &mut Warn<'_>) {
    let names: Vec<&str> = rule.methods.names().collect();
    if !names.is_empty() && names.iter().all(|it| REFUSED.contains(it)) {
        warn(
            WarningKind::NeverMatches,
            "It is only about CONNECT and TRACE, which the gateway refuses before rules are asked."
                .to_owned(),
        );
    }
    for name in names {
        if !REGISTERED.contains(&name) {
            warn(WarningKind::UnknownMethod, unknown(name));
        }
    }
}

fn unknown(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    if REGISTERED.contains(&upper.as_str()) {
        return format!("Methods are case-sensitive, and no client sends `{name}`: write `{upper}`.");
    }
    let nearest = REGISTERED.iter().map(|it| (distance(&upper, it), it)).min();
    match nearest {
        // A third of its letters wrong is another word.
        Some((distance, nearest)) if distance * 3 <= upper.len() => format!(
            "No method `{name}` is registered (RFC 9110 §16.1), so no request may ever have it: \
             did you mean `{nearest}`?"
        ),
        Some(_) | None => format!(
            "No method `{name}` is registered (RFC 9110 §16.1): check the spelling, unless the \
             upstream is known to take it."
        ),
    }
}

/// How many letters are to be put in, left out, exchanged or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    // Only names near in length are near, and the table stays small.
    if a.len().abs_diff(b.len()) > MOST_WRONG {
        return usize::MAX / 4;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(0);
            let put = at(&next, column) + 1;
            let left = at(&last, column + 1) + 1;
            let mut best = put.min(left).min(at(&last, column) + usize::from(x != y));
            let swaps = row > 0
                && column > 0
                && a.get(row - 1) == Some(y)
                && b.get(column - 1) == Some(x);
            if swaps {
                best = best.min(at(&before, column - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

const MOST_WRONG: usize = 3;
const REFUSED: [&str; 2] = ["CONNECT", "TRACE"];

// The HTTP Method Registry of IANA, without `*` and `PRI`, which are reserved so that nobody uses
// them.
const REGISTERED: [&str; 39] = [
    "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET",
    "HEAD", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL",
    "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "OPTIONS", "ORDERPATCH", "PATCH", "POST", "PROPFIND",
    "PROPPATCH", "PUT", "QUERY", "REBIND", "REPORT", "SEARCH", "TRACE", "UNBIND", "UNCHECKOUT",
    "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_counts_mistakes_of_typing() {
        for (a, b, expected) in
            [("DELETE", "DELETE", 0), ("DELTE", "DELETE", 1), ("DELEET", "DELETE", 1), ("PSOT", "POST", 1), ("PATH", "PATCH", 1), ("FETCH", "PATCH", 2), ("", "GET", 3)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }
}
