//! Checks of one rule that no request meets together.

use crate::comparable::Comparable;
use crate::lint::warning::{Warn, WarningKind};
use crate::pattern::Presence;
use crate::rule::{Effect, Rule};

pub(super) fn lint(rule: &Rule, warn: &mut Warn<'_>) {
    let mut lint = |list, found: Option<(usize, usize)>| {
        if let Some((present, absent)) = found {
            let mut reason = reason(list, present, absent);
            if list == BODY {
                reason.push_str(BUT_READ);
            }
            warn(WarningKind::NeverMatches, reason);
        }
    };
    lint("/headers", found(&rule.headers));
    // Of a name with several values, a rule that denies may find one and miss another.
    if rule.effect == Effect::Allow {
        lint("/query", found(&rule.query));
        lint(BODY, found(&rule.body));
    }
}

// A check for what must be there, and one for what must not, which finds all that the first finds.
fn found<T: Comparable>(checks: &[T]) -> Option<(usize, usize)> {
    let of = |wanted| {
        let checks = checks.iter().enumerate().take(MOST);
        checks.filter(move |(_, it)| it.presence() == wanted)
    };
    of(Presence::Present).find_map(|(at, wanted)| {
        let other = of(Presence::Absent).find(|(_, refused)| refused.finds_all(wanted));
        other.map(|(other, _)| (at, other))
    })
}

fn reason(list: &str, present: usize, absent: usize) -> String {
    format!(
        "What {list}/{present} asks to be there, {list}/{absent} asks not to be: no request meets \
         both. Leave one out, or make two rules of it."
    )
}

const BODY: &str = "/body";
// What can be told without the body is told first, and the body not asked for.
const BUT_READ: &str =
    " As long as it stands, a body that cannot be inspected is refused on its behalf.";
const MOST: usize = 100;
