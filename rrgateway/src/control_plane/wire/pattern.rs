//! A pattern as people write it: a text, or a text with flags.

use std::fmt;

use rrrules::{Pattern as Compiled, PatternError, Presence as Judged};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::control_plane::wire::fields::{Fields, Node};
use crate::control_plane::wire::patterns::Patterns;

/// As it is stored and answered: a text, or, with flags, an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Pattern {
    Plain(Box<str>),
    Full(Box<Flagged>),
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
                None => Self::Plain(pattern.into()),
                Some(flags) => Self::Full(Box::new(Flagged { pattern, flags: flags.clone() })),
            });
        }
        let mut fields = node.object()?;
        let flags = Flags::read(&mut fields, around);
        let pattern = fields.required("pattern", |it| flags.pattern(it));
        fields.close();
        let flags = flags.given.unwrap_or_default();
        Some(Self::Full(Box::new(Flagged { pattern: pattern?, flags })))
    }

    /// The pattern that judges, from `patterns`.
    pub(crate) fn compiled(&self, patterns: &Patterns) -> Result<Compiled, PatternError> {
        match self {
            Self::Plain(pattern) => patterns.get(pattern, ""),
            Self::Full(full) => patterns.get(&full.pattern, &full.flags),
        }
    }
}

// Not derived: that would read each into a value first, and there is one in most rules.
impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Stored)
    }
}

struct Stored;

impl<'de> Visitor<'de> for Stored {
    type Value = Pattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern, or one with its flags")
    }

    fn visit_str<E: Error>(self, it: &str) -> Result<Pattern, E> {
        Ok(Pattern::Plain(it.into()))
    }

    fn visit_string<E: Error>(self, it: String) -> Result<Pattern, E> {
        Ok(Pattern::Plain(it.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, from: A) -> Result<Pattern, A::Error> {
        Flagged::deserialize(MapAccessDeserializer::new(from)).map(|it| Pattern::Full(Box::new(it)))
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
    pub(crate) fn named(name: &'static str, fields: &mut Fields<'_>) -> Self {
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
    pub(crate) fn named(name: &'static str, fields: &mut Fields<'_>) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_as_it_was_written() {
        let full = |flags: &str| {
            let (pattern, flags) = ("^/a".to_owned(), flags.to_owned());
            Pattern::Full(Box::new(Flagged { pattern, flags }))
        };
        for pattern in [Pattern::Plain("a\"\\é".into()), full("i"), full("")] {
            let text = serde_json::to_string(&pattern).unwrap();
            assert_eq!(serde_json::from_str::<Pattern>(&text).unwrap(), pattern, "{text}");
        }
        for text in ["null", "7", "[]", "{}", r#"{"pattern":"a"}"#, r#"{"pattern":"a","flags":""#] {
            assert!(serde_json::from_str::<Pattern>(text).is_err(), "{text}");
        }
        let more = r#"{"pattern":"a","flags":"","more":1}"#;
        assert!(serde_json::from_str::<Pattern>(more).is_err());
    }
}
