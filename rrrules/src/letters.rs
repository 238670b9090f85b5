//! Which characters a text has in it, in one word: a pattern that needs others is not found there.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A set of bytes. Some share a place: a letter and its other case, and bytes that are not ASCII
/// with some that are. So a set may seem to have what it has not, and never the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Letters(u64);

impl Letters {
    pub(crate) const NONE: Self = Self(0);

    /// Those in `text`.
    pub(crate) fn of(text: &[u8]) -> Self {
        Self(text.iter().fold(0, |all, byte| all | place(*byte)))
    }

    /// Those in every text that the pattern is found in.
    pub(crate) fn needed(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Literal(literal) => Self::of(&literal.0),
            HirKind::Class(Class::Unicode(class)) => {
                let chars = || class.iter().flat_map(|range| range.start()..=range.end());
                let is_large = chars().nth(MOST_CHOICES).is_some();
                let chars = chars().take(if is_large { 0 } else { MOST_CHOICES });
                Self::common(chars.map(|it| Self::of(it.encode_utf8(&mut [0; 4]).as_bytes())))
            }
            HirKind::Concat(parts) => {
                Self(parts.iter().fold(0, |all, it| all | Self::needed(it).0))
            }
            HirKind::Alternation(parts) => Self::common(parts.iter().map(Self::needed)),
            HirKind::Capture(capture) => Self::needed(&capture.sub),
            HirKind::Repetition(repetition) if repetition.min > 0 => Self::needed(&repetition.sub),
            HirKind::Class(Class::Bytes(_))
            | HirKind::Repetition(_)
            | HirKind::Empty
            | HirKind::Look(_) => Self::NONE,
        }
    }

    /// Whether all of `needed` are in it.
    pub(crate) const fn has_all(self, needed: Self) -> bool {
        needed.0 & !self.0 == 0
    }

    /// Those of both.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn common(sets: impl Iterator<Item = Self>) -> Self {
        sets.reduce(|common, it| Self(common.0 & it.0)).unwrap_or(Self::NONE)
    }
}

// Letters in columns 4 to 7 of ASCII, where both cases have the same low bits; all else above them.
const fn place(byte: u8) -> u64 {
    1 << (byte & if byte & 0x40 == 0 { 0x3f } else { 0x1f })
}

/// How many characters there may be to choose from for what they share to be looked for: enough for
/// those of one letter in any case.
const MOST_CHOICES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;

    #[test]
    fn what_every_match_has_is_needed() {
        needs("^/users/[^/]+/keys$", "/userskey");
        needs("(?i)/admin5/", "/ADMIN5/");
        needs("(?i)k|kk", "");
        needs("ab|bc", "b");
        needs("(ab)+c?[x][0-9]{2,}", "abx");
        needs(r"\d+|\pL", "");
        needs("", "");
        needs(".*", "");
    }

    #[track_caller]
    fn needs(pattern: &str, expected: &str) {
        let needed = Letters::needed(&Pattern::new(pattern, "").unwrap().hir());
        assert_eq!(needed, Letters::of(expected.as_bytes()), "{pattern}");
    }
}
