//! A pattern as people write it: a text, or a text with flags.

use rrrules::{Pattern as Compiled, PatternError, Presence as Judged};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Fields, Node};

/// As it is stored and answered: as it was written.
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

/// Whether a check asks that something matches, or that nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    Present,
    Absent,
}

impl Pattern {
    /// Reads either form; whether it compiles is asked by [`Pattern::compiled`].
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        if !node.is_object() {
            return node.text(0..=LONGEST).map(Self::Plain);
        }
        let mut fields = node.object()?;
        let pattern = fields.required("pattern", |it| it.text(0..=LONGEST));
        let flags = fields.or("flags", String::new(), |it| it.text(0..=16));
        fields.close();
        Some(Self::Full(Flagged { pattern: pattern?, flags: flags? }))
    }

    pub(crate) fn compiled(&self) -> Result<Compiled, PatternError> {
        let (pattern, flags) = self.parts();
        Compiled::new(pattern, flags)
    }

    pub(crate) fn parts(&self) -> (&str, &str) {
        match self {
            Self::Plain(pattern) => (pattern, ""),
            Self::Full(Flagged { pattern, flags }) => (pattern, flags),
        }
    }
}

impl Presence {
    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let words = [("present", Self::Present), ("absent", Self::Absent)];
        fields.or("presence", Self::Present, |it| it.word(&words))
    }

    pub(crate) const fn judged(self) -> Judged {
        match self {
            Self::Present => Judged::Present,
            Self::Absent => Judged::Absent,
        }
    }
}

const LONGEST: usize = 4 << 10;
