//! What is wrong with a file, or worth a second look.

use crate::control_plane::file::source::Source;
use crate::control_plane::wire::fields::Flaw;

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// In the order of the file.
    pub(crate) findings: Vec<Finding>,
    /// What the file has, such as (`proxy`, 2).
    pub(crate) counts: Vec<(&'static str, usize)>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// Such as `proxies[0].rules[2].path`; empty for the file as a whole.
    pub(crate) place: String,
    /// From 1, where it is known.
    pub(crate) line: Option<u64>,
    /// One sentence.
    pub(crate) detail: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The file cannot be applied.
    Error,
    /// It can, but may not do what is meant.
    Warning,
}

/// What was found so far, by pointer.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    notes: Vec<(Severity, Flaw)>,
}

impl Report {
    /// Whether the file could be applied.
    pub(crate) fn is_valid(&self) -> bool {
        self.findings.iter().all(|it| it.severity == Severity::Warning)
    }
}

impl Notes {
    pub(crate) fn error(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.notes.push((Severity::Error, Flaw::new(pointer, detail)));
    }

    pub(crate) fn warning(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.notes.push((Severity::Warning, Flaw::new(pointer, detail)));
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.notes.iter().any(|it| it.0 == Severity::Error)
    }

    /// The findings, in the order of the file.
    pub(crate) fn findings(self, source: &Source) -> Vec<Finding> {
        let finding = |(severity, flaw): (Severity, Flaw)| Finding {
            severity,
            place: place(&flaw.pointer),
            line: source.line(&flaw.pointer),
            detail: flaw.detail,
        };
        let mut findings: Vec<_> = self.notes.into_iter().map(finding).collect();
        findings.sort_by_key(|it| it.line);
        findings
    }
}

/// `/proxies/0/rules/2` as people write it: `proxies[0].rules[2]`.
fn place(pointer: &str) -> String {
    let mut place = String::new();
    for name in pointer.split('/').skip(1) {
        if !name.is_empty() && name.bytes().all(|it| it.is_ascii_digit()) {
            place.push_str(&format!("[{name}]"));
            continue;
        }
        if !place.is_empty() {
            place.push('.');
        }
        place.push_str(&name.replace("~1", "/").replace("~0", "~"));
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_people_write_it() {
        for (pointer, expected) in [
            ("", ""),
            ("/version", "version"),
            ("/proxies/0/rules/12/path/pattern", "proxies[0].rules[12].path.pattern"),
            ("/credentials/0/auth/headers/x~1y", "credentials[0].auth.headers.x/y"),
        ] {
            assert_eq!(place(pointer), expected);
        }
    }
}
