//! Path patterns that match nothing, or start in the middle.

use regex_syntax::hir::Look;
use regex_syntax::hir::literal::Extractor;

use crate::lint::canonical::{Keeps, Spelling};
use crate::lint::reach::{Fuel, Reach};
use crate::lint::warning::{Warn, WarningKind};
use crate::pattern::{Pattern, Presence};
use crate::rule::{Effect, Rule};

pub(super) fn lint(rule: &Rule, fuel: &mut Fuel, warn: &mut Warn<'_>) {
    let Some((pattern, presence)) = &rule.path else { return };
    let so = match presence {
        Presence::Present => "so the rule fits no request",
        Presence::Absent => "so the rule fits whatever the path is",
    };
    match arrival(pattern, rule.effect, fuel) {
        Some(Arrival::Kept) => warn(
            WarningKind::NonCanonical,
            format!(
                "What `{pattern}` looks for only arrives where the target's `pathOptions` keep it: \
                 everywhere else slashes are merged, and paths with `%2F` or `%25` refused, {so}{}.",
                but_for(rule.effect, *presence)
            ),
        ),
        Some(Arrival::Never) => warn(
            WarningKind::NonCanonical,
            format!(
                "`{pattern}` only matches a spelling that never arrives, {so}: {}.",
                hint(pattern.source())
            ),
        ),
        Some(Arrival::NoPath) => warn(
            WarningKind::NeverMatches,
            format!("`{pattern}` is found in no path, {so}. Every path starts with `/`."),
        ),
        Some(Arrival::Arrives) | None if starts_anywhere(pattern) => {
            warn(WarningKind::Unanchored, unanchored(pattern, rule.effect, *presence));
        }
        Some(Arrival::Arrives) | None => {}
    }
}

// A deny also sees what is left of `/;/a` without its parameters.
const fn but_for(effect: Effect, presence: Presence) -> &'static str {
    match (effect, presence) {
        (Effect::Deny, Presence::Present) => {
            " but those that some servers read so, such as `/;/a` as `//a`"
        }
        (Effect::Allow, _) | (Effect::Deny, Presence::Absent) => "",
    }
}

/// Whether what a pattern matches ever arrives.
enum Arrival {
    Arrives,
    /// Only where the target's options keep what has several readings.
    Kept,
    /// In no spelling that rules see.
    Never,
    /// Nothing that is a path matches, however it is spelled.
    NoPath,
}

// `None`: not known.
fn arrival(pattern: &Pattern, effect: Effect, fuel: &mut Fuel) -> Option<Arrival> {
    let reach = Reach::of(pattern)?;
    let mut arrives = |keeps| match effect {
        Effect::Allow => reach.finds(Spelling::canonical(keeps), fuel),
        Effect::Deny => Some(
            reach.finds(Spelling::canonical(keeps), fuel)?
                || reach.finds(Spelling::decoded(keeps), fuel)?,
        ),
    };
    if arrives(Keeps::Nothing)? {
        return Some(Arrival::Arrives);
    }
    if arrives(Keeps::All)? {
        return Some(Arrival::Kept);
    }
    match reach.finds(Spelling::sent(), fuel)? {
        true => Some(Arrival::Never),
        false => Some(Arrival::NoPath),
    }
}

// What in the pattern is the likely reason.
fn hint(source: &str) -> &'static str {
    let has = |texts: &[&str]| texts.iter().any(|it| source.contains(it));
    if has(&[r"\\"]) {
        "a path with a backslash is refused, escaped or not"
    } else if has(&[r"\?", "#", "[?]"]) {
        "the path ends before `?`; ask for parameters in `query`"
    } else if has(&["%"]) {
        "in the canonical path, escapes are in upper case (`%C3%A9`), and letters, digits and \
         `-._~` are never escaped"
    } else if !source.is_ascii() || has(&[" ", r"\s"]) {
        "in the canonical path, all but ASCII is escaped (`%20`, `%C3%A9`)"
    } else if has(&["//", "/.", r"/\."]) {
        "slashes next to each other are merged, and `.` and `..` resolved before rules are asked"
    } else {
        "rules see the canonical path, where all that need not be escaped is not"
    }
}

// Whether it is a path from its first letter on, and may begin anywhere in one.
fn starts_anywhere(pattern: &Pattern) -> bool {
    let hir = pattern.hir();
    let looks = hir.properties().look_set_prefix();
    let is_anchored =
        [Look::Start, Look::StartLF, Look::StartCRLF].iter().any(|it| looks.contains(*it));
    let first = Extractor::new().extract(&hir);
    let is_path = first.literals().is_some_and(|them| {
        !them.is_empty() && them.iter().all(|it| it.as_bytes().starts_with(b"/"))
    });
    !is_anchored && is_path
}

fn unanchored(pattern: &Pattern, effect: Effect, presence: Presence) -> String {
    // Also right where it has a choice at its top.
    let anchored = match pattern.source().contains('|') {
        true => format!("^(?:{pattern})"),
        false => format!("^{pattern}"),
    };
    let consequence = match (effect, presence) {
        (Effect::Allow, Presence::Present) => "the rule allows more than what starts so",
        (Effect::Deny, Presence::Present) => "the rule denies more than what starts so",
        (Effect::Allow, Presence::Absent) => "the rule allows less than what does not start so",
        (Effect::Deny, Presence::Absent) => "the rule misses paths that have it further on",
    };
    format!(
        "`{pattern}` is also found in the middle of a path, such as `/a/b` for `/b`: {consequence}. \
         If the start was meant, write `{anchored}`; if any place was, `^.*` before it says so."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::CanonicalPath;
    use proptest::prelude::*;

    proptest! {
        // A warning that a pattern matches nothing would be wrong.
        #[test]
        fn what_is_said_to_match_no_path_matches_none(
            pattern in "(\\^|\\(\\?[im]\\))?(/|a|b|%|C3|c|é|\\[[.]\\]|\\[\\^/\\]|\\[a-c\\]|\\.\\*|\\(a\\|/\\)|b\\+|c\\?|\\\\b){0,6}[$]?",
            raw in "(/|a|b|c|\\.|;|%c3%a9|%3A|%61|b){0,8}",
        ) {
            let pattern = Pattern::new(&pattern, "").unwrap();
            let mut fuel = Fuel::full();
            if let (Ok(path), Some(reach)) =
                (CanonicalPath::parse(&format!("/{raw}")), Reach::of(&pattern))
            {
                let mut finds = |spelling| reach.finds(spelling, &mut fuel);
                if pattern.is_match(path.as_str()) {
                    prop_assert_ne!(finds(Spelling::canonical(Keeps::Nothing)), Some(false));
                    prop_assert_ne!(finds(Spelling::canonical(Keeps::All)), Some(false));
                    prop_assert_ne!(finds(Spelling::sent()), Some(false));
                }
                // Some still have their escapes, and lost parameters only. A name that is all
                // parameters is then empty.
                for other in path.other_readings().iter().filter(|it| pattern.is_match(it)) {
                    let fewest = if other.contains("//") { Keeps::All } else { Keeps::Nothing };
                    for keeps in [fewest, Keeps::All] {
                        let decoded = finds(Spelling::decoded(keeps));
                        let found = [decoded, finds(Spelling::canonical(keeps))];
                        prop_assert_ne!(found, [Some(false); 2], "{}", other);
                    }
                }
            }
        }
    }
}
