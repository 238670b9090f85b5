//! Rules that never decide, because another fits wherever they do.

use crate::comparable::Comparable;
use crate::lint::expected::Expected;
use crate::rule::{Effect, Mode, Rule};

/// For each rule why it never decides, where that is so.
///
/// Compares how checks are written, not all that they could match: what is said is right, and not
/// all that could be said.
pub(super) fn shadowed(rules: &[Rule], default: Effect) -> Vec<Option<String>> {
    let expected: Vec<_> = rules.iter().take(MOST_RULES).map(Expected::of).collect();
    let mut reasons: Vec<_> = (0..expected.len())
        .map(|at| {
            let narrow = expected.get(at)?;
            let wide = expected.iter().enumerate().find(|(other, wide)| {
                *other != at && decides_for(wide, narrow, *other < at, default)
            });
            wide.map(|(_, wide)| reason(wide.rule, narrow.rule))
        })
        .collect();
    reasons.resize(rules.len(), None);
    reasons
}

fn decides_for(wide: &Expected<'_>, narrow: &Expected<'_>, is_first: bool, default: Effect) -> bool {
    // What only records neither decides nor is there to.
    if wide.rule.mode == Mode::Shadow || narrow.rule.mode == Mode::Shadow {
        return false;
    }
    let could = match (wide.rule.effect, narrow.rule.effect) {
        (Effect::Deny, Effect::Deny | Effect::Allow) => true,
        (Effect::Allow, Effect::Deny) => false,
        // Where its body cannot be inspected, a rule denies; where the default allows, neither has
        // an effect.
        (Effect::Allow, Effect::Allow) => {
            narrow.rule.body.is_empty() && default == Effect::Deny && !wide.is_nothing()
        }
    };
    let is_one_kind = wide.rule.effect == narrow.rule.effect;
    // Of two that are alike, the first stays.
    could && covers(wide, narrow) && (!is_one_kind || is_first || !covers(narrow, wide))
}

/// Whether `wide` fits wherever `narrow` does.
fn covers(wide: &Expected<'_>, narrow: &Expected<'_>) -> bool {
    wide.rule.methods.includes(&narrow.rule.methods)
        && wide.takes_paths_of(narrow)
        && follows(&wide.rule.headers, &narrow.rule.headers)
        && follows(&wide.rule.query, &narrow.rule.query)
        && follows(&wide.rule.body, &narrow.rule.body)
}

fn follows<T: Comparable>(wide: &[T], narrow: &[T]) -> bool {
    wide.iter().all(|check| narrow.iter().any(|it| check.follows_from(it)))
}

fn reason(wide: &Rule, narrow: &Rule) -> String {
    let id = &wide.id;
    match (wide.effect, narrow.effect) {
        (Effect::Deny, Effect::Allow) => format!(
            "Rule `{id}` denies every request that this one fits, and a deny always wins. Narrow \
             `{id}`, or leave this one out."
        ),
        (Effect::Deny, Effect::Deny) => format!(
            "Rule `{id}` already denies every request that this one fits: it adds nothing. Leave \
             it out, or narrow `{id}`."
        ),
        (Effect::Allow, _) => format!(
            "Rule `{id}` already allows every request that this one fits: it adds nothing. Leave \
             it out, or narrow `{id}`."
        ),
    }
}

/// Beyond, comparing each with each takes too long.
const MOST_RULES: usize = 2_000;
