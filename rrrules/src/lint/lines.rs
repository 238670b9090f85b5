//! Ends of lines taken for ends of texts.

use regex_syntax::hir::Look;

use crate::finding::Criterion;
use crate::lint::warning::{Warn, WarningKind};
use crate::pattern::Pattern;
use crate::rule::Rule;

pub(super) fn lint(rule: &Rule, warn: &mut Warn<'_>) {
    if let Some((pattern, _)) = &rule.path
        && looks_at_lines(pattern)
    {
        warn(WarningKind::MultiLineEnd, without_lines(Criterion::Path, pattern));
    }
    for (at, check) in rule.headers.iter().enumerate() {
        for pattern in check.name.as_pattern().into_iter().chain(&check.value) {
            if looks_at_lines(pattern) {
                let reason = without_lines(Criterion::Header(at), pattern);
                warn(WarningKind::MultiLineEnd, reason);
            }
        }
    }
    for (at, check) in rule.query.iter().enumerate() {
        for pattern in check.name.as_pattern().into_iter().chain(&check.value) {
            if looks_at_lines(pattern) {
                warn(WarningKind::MultiLineEnd, with_lines(Criterion::Query(at), pattern));
            }
        }
    }
    for (at, check) in rule.body.iter().enumerate() {
        for pattern in [&check.path].into_iter().chain(&check.value) {
            if looks_at_lines(pattern) {
                warn(WarningKind::MultiLineEnd, with_lines(Criterion::Body(at), pattern));
            }
        }
    }
}

fn looks_at_lines(pattern: &Pattern) -> bool {
    let looks = pattern.hir().properties().look_set();
    [Look::StartLF, Look::EndLF, Look::StartCRLF, Look::EndCRLF]
        .into_iter()
        .any(|it| looks.contains(it))
}

fn with_lines(at: Criterion, pattern: &Pattern) -> String {
    format!(
        "With the flag `m`, `^` and `$` in `{pattern}` (at {at}) are the ends of a line: a text \
         with a line end in it matches where one of its lines does, whatever the others are. \
         Leave the flag out."
    )
}

fn without_lines(at: Criterion, pattern: &Pattern) -> String {
    format!(
        "With the flag `m`, `^` and `$` in `{pattern}` (at {at}) are the ends of a line, and what \
         it looks at never has a second one. Leave the flag out: in another place the pattern \
         would match more than it says."
    )
}
