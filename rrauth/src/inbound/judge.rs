//! Whether what was shown and what was found let the caller in.

use std::time::Duration;

use crate::inbound::credential::{Credential, Kind};
use crate::inbound::places::{Unusable, Way};
use crate::inbound::source::SourceUnavailable;

/// Why a caller is not let in. The reasons are for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Nothing was shown.
    Missing,
    /// Unknown, unusable or switched off: one and the same to the caller.
    Invalid(String),
    /// A good secret, too late.
    Expired(Kind, String),
    /// Nobody can tell.
    Unavailable(String),
}

/// Judges the credential that was found for a secret shown in `way`, at `wall` time.
pub(crate) fn judge<T>(
    way: Way,
    found: Option<&Credential<T>>,
    wall: Duration,
) -> Result<&Credential<T>, Rejection> {
    let credential = found.ok_or_else(unknown)?;
    let id = &credential.id;
    if !way.suits(credential.kind) {
        return Err(Rejection::Invalid(format!("{id} may not be shown this way")));
    }
    holds(credential, wall)
}

/// Judges a credential of which the secret was shown as it should be, at `wall` time.
pub(crate) fn holds<T>(
    credential: &Credential<T>,
    wall: Duration,
) -> Result<&Credential<T>, Rejection> {
    let id = &credential.id;
    if !credential.active {
        return Err(Rejection::Invalid(format!("{id} is switched off")));
    }
    match credential.expires_at {
        Some(end) if end <= wall => {
            Err(Rejection::Expired(credential.kind, format!("{id} has expired")))
        }
        Some(_) | None => Ok(credential),
    }
}

/// Nobody has such a credential.
pub(crate) fn unknown() -> Rejection {
    Rejection::Invalid("there is no such credential".to_owned())
}

impl From<Unusable> for Rejection {
    fn from(Unusable(reason): Unusable) -> Self {
        Self::Invalid(reason.to_owned())
    }
}

impl From<SourceUnavailable> for Rejection {
    fn from(error: SourceUnavailable) -> Self {
        Self::Unavailable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_matching_active_unexpired_credential_lets_in() {
        let good = || Credential::new("cred_1", "alice", Kind::ApiKey, ());
        let token = || Credential::new("cred_1", "alice", Kind::Bearer, ());
        let at = |seconds| Some(Duration::from_secs(seconds));

        check(Way::Key, Some(&good()), "in");
        check(Way::Bearer, Some(&good()), "in");
        check(Way::Bearer, Some(&token()), "in");
        check(Way::Key, Some(&token()), "invalid");
        check(Way::Key, None, "invalid");
        check(Way::Key, Some(&good().active(false)), "invalid");
        check(Way::Key, Some(&good().active(false).expires_at(at(99))), "invalid");
        check(Way::Key, Some(&token().expires_at(at(99))), "invalid");
        check(Way::Key, Some(&good().expires_at(at(99))), "expired");
        check(Way::Key, Some(&good().expires_at(at(100))), "expired");
        check(Way::Key, Some(&good().expires_at(at(101))), "in");
        check(Way::Key, Some(&good().expires_at(at(0))), "expired");
    }

    #[track_caller]
    fn check(way: Way, found: Option<&Credential<()>>, expected: &str) {
        let judged = match judge(way, found, Duration::from_secs(100)) {
            Ok(_) => "in",
            Err(Rejection::Missing) => "missing",
            Err(Rejection::Invalid(_)) => "invalid",
            Err(Rejection::Expired(..)) => "expired",
            Err(Rejection::Unavailable(_)) => "unavailable",
        };
        assert_eq!(judged, expected, "{found:?}");
    }
}
