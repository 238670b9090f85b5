//! A pattern as people write it: a text, or a text with flags.

use rrrules::{Pattern as Compiled, PatternError, Presence as Judged};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Fields, Node};
use crate::control_plane::wire::patterns::Patterns;

/// As it is stored and answered: a text, or, with flags, an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Pattern {
    Plain(String),
    Full(Flagged),
}

/// A pattern with its flags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flagged {
    pub(crate) pattern: String,
    pub(crate) flags: String,
}

/// The flags that a document gives to all patterns that stand in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    given: Option<String>,
}

/// Whether a check asks that something matches, or that nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    Present,
    Absent,
}

impl Pattern {
    /// Reads either form, and compiles it to see whether it can be: that takes up to milliseconds.
    /// `around` are the flags of what it stands in.
    pub(crate) fn read(node: Node<'_>, around: &Flags) -> Option<Self> {
        if !node.is_object() {
            return around.pattern(node).map(|pattern| match &around.given {
                None => Self::Plain(pattern),
                Some(flags) => Self::Full(Flagged { pattern, flags: flags.clone() }),
            });
        }
        let mut fields = node.object()?;
        let flags = Flags::read(&mut fields, around);
        let pattern = fields.required("pattern", |it| flags.pattern(it));
        fields.close();
        Some(Self::Full(Flagged { pattern: pattern?, flags: flags.given.unwrap_or_default() }))
    }

    /// The pattern that judges, from `patterns`.
    pub(crate) fn compiled(&self, patterns: &Patterns) -> Result<Compiled, PatternError> {
        match self {
            Self::Plain(pattern) => patterns.get(pattern, ""),
            Self::Full(Flagged { pattern, flags }) => patterns.get(pattern, flags),
        }
    }
}

impl Flags {
    /// Reads the flags of an object that stands where the flags `around` hold.
    pub(crate) fn read(fields: &mut Fields<'_>, around: &Self) -> Self {
        let name = fields.spelled(["flags", "regexFlags"]);
        match (Self::named(name, fields), &around.given) {
            (Self { given: Some(_) }, Some(_)) => {
                fields.flaw::<()>(name, "what this stands in has flags already: give one");
                Self::default()
            }
            (own @ Self { given: Some(_) }, None) => own,
            (Self { given: None }, _) => around.clone(),
        }
    }

    /// Reads the flags in member `name`.
    pub(crate) fn named(name: &str, fields: &mut Fields<'_>) -> Self {
        let known = fields.optional(name, |it| {
            it.parsed(0..=16, |flags| Compiled::new("", &flags).map(|_| flags.to_string()))
        });
        Self { given: known.flatten() }
    }

    fn pattern(&self, node: Node<'_>) -> Option<String> {
        let flags = self.given.as_deref().unwrap_or_default();
        node.parsed(0..=LONGEST, |text| Compiled::new(&text, flags).map(|_| text.to_string()))
    }
}

impl Presence {
    /// Reads member `name`; without it, something must match.
    pub(crate) fn named(name: &str, fields: &mut Fields<'_>) -> Option<Self> {
        let words = [
            ("present", Self::Present),
            ("absent", Self::Absent),
            ("must_exist", Self::Present),
            ("must_not_exist", Self::Absent),
        ];
        fields.or(name, Self::Present, |it| it.word(&words))
    }

    pub(crate) const fn judged(self) -> Judged {
        match self {
            Self::Present => Judged::Present,
            Self::Absent => Judged::Absent,
        }
    }
}

const LONGEST: usize = 4 << 10;
