//! Why a token is refused, and why a policy or a key set is, without a byte of any token.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::inbound::verify::Unproved;

/// Why a token is not believed. Says what is wrong for the operator, and holds nothing of the token
/// but, escaped and cut, the id of its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct JwtError {
    kind: Kind,
    reason: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Invalid,
    Expired,
    UnknownKey,
    Foreign,
}

/// A policy that cannot be meant. Names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidJwtPolicy {
    field: &'static str,
    problem: Cow<'static, str>,
}

/// A key set of which nothing can be used. Holds no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidJwkSet(Cow<'static, str>);

impl JwtError {
    /// Whether the token was right in all but its age. Said only of a token whose signature was
    /// verified.
    #[must_use]
    pub const fn is_expired(&self) -> bool {
        matches!(self.kind, Kind::Expired)
    }

    /// Whether the set has no such key, as far as one can tell before the signature is verified:
    /// the issuer may have a new one.
    #[must_use]
    pub const fn is_unknown_key(&self) -> bool {
        matches!(self.kind, Kind::UnknownKey)
    }

    /// Whether the token is somebody else's: it has not three parts, or says that another issuer
    /// made it.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self.kind, Kind::Foreign)
    }

    pub(super) fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::Invalid, reason: reason.into() }
    }

    pub(super) const fn expired() -> Self {
        Self { kind: Kind::Expired, reason: Cow::Borrowed("exp: the token has expired") }
    }

    pub(super) fn unknown_key(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::UnknownKey, reason: reason.into() }
    }

    pub(super) const fn foreign(reason: &'static str) -> Self {
        Self { kind: Kind::Foreign, reason: Cow::Borrowed(reason) }
    }
}

impl From<JwtError> for Unproved {
    fn from(error: JwtError) -> Self {
        let reason = error.reason.into_owned();
        match error.kind {
            Kind::Expired => Self::Expired(reason),
            Kind::Invalid | Kind::UnknownKey | Kind::Foreign => Self::Invalid(reason),
        }
    }
}

impl InvalidJwtPolicy {
    pub(crate) fn new(field: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { field, problem: problem.into() }
    }

    /// What is wrong: `issuer`, `audience`, `algorithms`, `leeway`, `required_claim`,
    /// `subject_pattern`, `max_lifetime`, `types`, `keys` or `provider`.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

impl InvalidJwkSet {
    pub(super) fn new(problem: impl Into<Cow<'static, str>>) -> Self {
        Self(problem.into())
    }
}

/// What a stranger chose, fit for a log: escaped, in quotes, and cut.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        let mut escaped = letter.escape_default();
        if quoted.len() + escaped.len() > LONGEST_QUOTE {
            quoted.push('…');
            break;
        }
        // A `String` takes whatever is written.
        let _ = escaped.try_for_each(|it| quoted.write_char(it));
    }
    quoted.push('"');
    quoted
}

const LONGEST_QUOTE: usize = 64;
