//! Whether what was shown and what was found let the caller in.

use std::time::Duration;

use crate::inbound::credential::Credential;
use crate::inbound::proof::Proof;
use crate::inbound::shown::{Unusable, Way};
use crate::inbound::source::SourceUnavailable;
use crate::inbound::verify::Unproved;

/// Why a caller is not let in. The reasons are for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It has failed too often, and may try again after this long.
    TooOften(Duration),
    /// Nothing was shown.
    Missing,
    /// Unknown, unusable or switched off: one and the same to the caller.
    Invalid(String),
    /// A good secret, too late.
    Expired(&'static str, String),
    /// Nobody can tell.
    Unavailable(String),
}

/// Judges the credential that was found for a secret shown in `way`, at `wall` time.
pub(crate) fn judge<T>(
    way: Way,
    credential: &Credential<T>,
    wall: Duration,
) -> Result<(), Rejection> {
    suits(way, credential)?;
    is_good(credential, None, wall)
}

/// Whether a secret may be shown in `way` of which this is the credential.
pub(crate) fn suits<T>(way: Way, credential: &Credential<T>) -> Result<(), Rejection> {
    if way.suits(credential.kind) {
        return Ok(());
    }
    Err(Rejection::Invalid(format!("{} may not be shown this way", credential.id)))
}

/// Judges what was proved, at `wall` time.
pub(crate) fn holds<T>(proof: &Proof<T>, wall: Duration) -> Result<(), Rejection> {
    is_good(&proof.credential, proof.expires_at, wall)
}

// `proof_end`: when what was proved by it ends.
fn is_good<T>(
    credential: &Credential<T>,
    proof_end: Option<Duration>,
    wall: Duration,
) -> Result<(), Rejection> {
    let id = &credential.id;
    if !credential.active {
        return Err(Rejection::Invalid(format!("{id} is switched off")));
    }
    let has_ended = |it: Option<Duration>| it.is_some_and(|end| end <= wall);
    if has_ended(credential.expires_at) || has_ended(proof_end) {
        return Err(Rejection::Expired(credential.kind.as_str(), format!("{id} has expired")));
    }
    Ok(())
}

impl Rejection {
    /// Nobody has such a credential.
    pub(crate) fn unknown() -> Self {
        Self::Invalid("there is no such credential".to_owned())
    }
}

impl From<Unusable> for Rejection {
    fn from(Unusable(reason): Unusable) -> Self {
        Self::Invalid(reason.to_owned())
    }
}

impl From<Unproved> for Rejection {
    fn from(why: Unproved) -> Self {
        match why {
            Unproved::Invalid(reason) => Self::Invalid(reason),
            Unproved::Expired(reason) => Self::Expired("", reason),
            Unproved::Unavailable(reason) => Self::Unavailable(reason),
        }
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
    use crate::inbound::credential::Kind;

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
        let found = found.ok_or_else(Rejection::unknown);
        let judged = match found.and_then(|it| judge(way, it, Duration::from_secs(100))) {
            Ok(()) => "in",
            Err(Rejection::TooOften(_)) => "too often",
            Err(Rejection::Missing) => "missing",
            Err(Rejection::Invalid(_)) => "invalid",
            Err(Rejection::Expired(..)) => "expired",
            Err(Rejection::Unavailable(_)) => "unavailable",
        };
        assert_eq!(judged, expected);
    }
}
