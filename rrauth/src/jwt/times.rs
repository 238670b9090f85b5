//! When a token is valid (RFC 7519 §4.1.4 to §4.1.6).

use std::time::Duration;

use crate::jwt::error::JwtError;
use crate::strict_json::plain::{Node, Plain};

/// The times of a token, since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    expires: Duration,
    not_before: Option<Duration>,
    issued: Option<Duration>,
}

impl Times {
    /// Reads them; without `exp` a token would be valid for ever.
    pub(super) fn read(claims: &Plain<'_>) -> Result<Self, JwtError> {
        let expires = time(claims, "exp")?.ok_or(JwtError::invalid("exp: it is missing"))?;
        let (not_before, issued) = (time(claims, "nbf")?, time(claims, "iat")?);
        Ok(Self { expires, not_before, issued })
    }

    /// Whether the token was made to live no longer than `longest`.
    pub(super) fn lives_at_most(&self, longest: Duration) -> Result<(), JwtError> {
        let issued = self.issued.ok_or(JwtError::invalid("iat: it is missing"))?;
        match self.expires.checked_sub(issued) {
            Some(lifetime) if lifetime <= longest => Ok(()),
            Some(_) => Err(JwtError::invalid("exp: the token lives too long")),
            None => Err(JwtError::invalid("exp: it is before iat")),
        }
    }

    /// From when until when the token is valid by a clock that may be wrong by `leeway`.
    pub(super) fn window(&self, leeway: Duration) -> (Duration, Duration) {
        let starts = self.not_before.max(self.issued).unwrap_or_default();
        (starts.saturating_sub(leeway), self.expires.saturating_add(leeway))
    }
}

// RFC 7519 §2: a number, perhaps with a fraction. What is no number, negative or too large for a
// `Duration` is no time: taken as absent it would mean "for ever".
fn time(claims: &Plain<'_>, name: &str) -> Result<Option<Duration>, JwtError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let time = match value {
        Node::Number(it) => it.as_u64().map(Duration::from_secs).or_else(|| {
            let seconds = it.as_f64()?;
            Duration::try_from_secs_f64(seconds).ok()
        }),
        Node::Null | Node::Bool(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => None,
    };
    time.map(Some).ok_or_else(|| JwtError::invalid(format!("{name}: it is no time")))
}
