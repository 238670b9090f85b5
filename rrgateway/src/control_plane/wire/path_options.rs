//! What a target's API needs of a path beyond the strict reading.

use rrrules::{DuplicateSlashes, EncodedPercent, EncodedSlash};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::Node;

/// As it is stored and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PathOptions {
    pub(crate) encoded_slash: Escaped,
    pub(crate) duplicate_slashes: Doubled,
    pub(crate) encoded_percent: Escaped,
}

/// What becomes of an escape that servers do not read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Escaped {
    Reject,
    Keep,
}

/// What becomes of slashes next to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Doubled {
    Merge,
    Keep,
}

impl PathOptions {
    /// Nothing is kept: what holds unless a target says otherwise.
    pub(crate) const fn strict() -> Self {
        Self {
            encoded_slash: Escaped::Reject,
            duplicate_slashes: Doubled::Merge,
            encoded_percent: Escaped::Reject,
        }
    }

    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let strict = Self::strict();
        let mut fields = node.object()?;
        let slash = fields.or("encodedSlash", strict.encoded_slash, |it| it.word(&Escaped::WORDS));
        let doubled =
            fields.or("duplicateSlashes", strict.duplicate_slashes, |it| it.word(&Doubled::WORDS));
        let percent =
            fields.or("encodedPercent", strict.encoded_percent, |it| it.word(&Escaped::WORDS));
        fields.close();
        Some(Self { encoded_slash: slash?, duplicate_slashes: doubled?, encoded_percent: percent? })
    }

    /// The options that paths are made canonical with.
    pub(crate) fn compiled(self) -> rrrules::PathOptions {
        rrrules::PathOptions::strict()
            .encoded_slash(match self.encoded_slash {
                Escaped::Reject => EncodedSlash::Reject,
                Escaped::Keep => EncodedSlash::Keep,
            })
            .duplicate_slashes(match self.duplicate_slashes {
                Doubled::Merge => DuplicateSlashes::Merge,
                Doubled::Keep => DuplicateSlashes::Keep,
            })
            .encoded_percent(match self.encoded_percent {
                Escaped::Reject => EncodedPercent::Reject,
                Escaped::Keep => EncodedPercent::Keep,
            })
    }
}

impl Escaped {
    const WORDS: [(&'static str, Self); 2] = [("reject", Self::Reject), ("keep", Self::Keep)];
}

impl Doubled {
    const WORDS: [(&'static str, Self); 2] = [("merge", Self::Merge), ("keep", Self::Keep)];
}
