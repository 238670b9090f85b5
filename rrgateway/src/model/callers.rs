//! Who the callers of a client are, and how they prove it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use rrauth::{Index, JwkSet, JwtPolicy, PasswordHash};
use rrfilter::FilterSet;
use rrrules::RuleSet;

use crate::model::{Digest, SecretName};

/// All callers of a client: what its proxies share.
#[derive(Debug)]
pub struct Callers {
    /// Of everything in here.
    pub digest: Digest,
    /// Those whose secrets are recognised.
    pub index: Arc<Index<Arc<Consumer>>>,
    /// Those who are verified, in the order of creation.
    pub verified: Vec<Arc<Verified>>,
    /// What is known of each credential, by its id.
    pub known: HashMap<Arc<str>, Known>,
    /// The headers in which any of them shows a key.
    pub headers: Vec<HeaderName>,
}

/// A caller, as authentication yields it: what hangs on its credential.
#[derive(Debug)]
pub struct Consumer {
    /// The id of the credential.
    pub credential: Arc<str>,
    /// The version of the secret that was shown.
    pub version: u32,
    /// Of how tokens and certificates are verified for it; the same for all whose secrets are compared.
    pub terms: Digest,
    /// The rules that hang on the credential.
    pub rules: Arc<RuleSet>,
    /// The filters that hang on the credential.
    pub filters: Arc<FilterSet>,
}

/// What is known of a credential, whoever shows it.
#[derive(Clone, Debug)]
pub struct Known {
    /// As it is let in now.
    pub credential: Arc<rrauth::Credential<Arc<Consumer>>>,
    /// The version before, and until when it is good (time since the Unix epoch).
    pub previous: Option<(u32, Duration)>,
}

/// Why a credential that was good is not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// Its time is over.
    Expired,
    /// It was switched off, replaced, deleted, or taken off the proxy.
    Revoked,
}

impl Callers {
    /// Nobody.
    #[must_use]
    pub fn nobody() -> Self {
        Self {
            digest: Digest([0; 32]),
            index: Arc::new(Index::builder().build()),
            verified: Vec::new(),
            known: HashMap::new(),
            headers: Vec::new(),
        }
    }
}

impl Known {
    /// Why who has come in with `version` of the secret may not stay, at `wall` time; `None`: he may.
    #[must_use]
    pub fn lapse(&self, version: u32, wall: Duration) -> Option<Lapse> {
        let has_ended = |end: Option<Duration>| end.is_some_and(|it| it <= wall);
        let grace = self.previous.filter(|(previous, _)| *previous == version);
        if !self.credential.active || grace.is_none() && self.credential.caller.version != version {
            return Some(Lapse::Revoked);
        }
        let is_over = has_ended(grace.map(|it| it.1)) || has_ended(self.credential.expires_at);
        is_over.then_some(Lapse::Expired)
    }
}

/// A credential that has to be verified.
pub struct Verified {
    /// Of how it is verified: what was learnt for an equal digest may be used again.
    pub digest: Digest,
    /// Whose it is.
    pub credential: Arc<rrauth::Credential<Arc<Consumer>>>,
    /// How it is verified.
    pub how: How,
}

/// How a caller is verified.
pub enum How {
    /// By user name and password (RFC 7617).
    Password {
        /// The user name.
        username: String,
        /// Of the password.
        hash: PasswordHash,
        /// Of the one before, and whose credential that is.
        previous: Option<(PasswordHash, Arc<rrauth::Credential<Arc<Consumer>>>)>,
    },
    /// By a signed token (RFC 7519).
    Jwt {
        /// Which tokens are believed.
        policy: JwtPolicy,
        /// What they are verified with.
        keys: JwtKeys,
    },
    /// By asking the issuer of a token (RFC 7662).
    Introspection {
        /// Where.
        url: String,
        /// As whom.
        client_id: String,
        /// The vault has the client's secret.
        secret: SecretName,
        /// Whom tokens must be for; empty: anybody.
        audience: Vec<String>,
        /// For how long an answer counts, at the most.
        cache: Duration,
        /// Whether the URL may be plain http.
        allow_plaintext: bool,
    },
    /// By a client certificate.
    Certificate {
        /// Of its names.
        pattern: String,
    },
}

/// What signed tokens are verified with.
#[derive(Clone, Debug)]
pub enum JwtKeys {
    /// Keys that are fetched.
    Fetched {
        /// Where.
        url: String,
        /// How long after one fetch an unknown key id may cause the next.
        cooldown: Duration,
        /// For how long old keys serve while the server is down.
        max_stale: Duration,
        /// Whether the URL may be plain http.
        allow_plaintext: bool,
    },
    /// Keys that are at hand.
    Inline(JwkSet),
    /// A secret that the issuer shares; the vault has it, in base64.
    Shared(SecretName),
}

// By hand: what believes a token is long, and a pattern or hash is nobody else's business.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl fmt::Debug for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::Jwt { .. } => "Jwt",
            Self::Introspection { .. } => "Introspection",
            Self::Certificate { .. } => "Certificate",
        })
    }
}

#[cfg(test)]
mod tests {
    use rrauth::{Credential, Kind};

    use super::*;

    #[test]
    fn who_came_in_stays_as_long_as_its_secret_is_good() {
        check(|it| it, 2, None);
        check(|it| it, 1, None);
        check(|it| it, 3, Some(Lapse::Revoked));
        check(|it| it.active(false), 2, Some(Lapse::Revoked));
        check(|it| it.active(false), 1, Some(Lapse::Revoked));
        check(|it| it.expires_at(Duration::from_secs(100)), 2, Some(Lapse::Expired));
        check(|it| it.expires_at(Duration::from_secs(100)), 3, Some(Lapse::Revoked));
        check(|it| it.expires_at(Duration::from_secs(101)), 2, None);
    }

    type Shown = Credential<Arc<Consumer>>;

    #[track_caller]
    fn check(with: fn(Shown) -> Shown, version: u32, expected: Option<Lapse>) {
        let (rules, filters) = (Arc::new(RuleSet::allow_all()), Arc::new(FilterSet::empty()));
        let terms = Digest([0; 32]);
        let consumer = Consumer { credential: "c".into(), version: 2, terms, rules, filters };
        let credential = with(Credential::new("c", "s", Kind::ApiKey, Arc::new(consumer)));
        let previous = Some((1, Duration::from_secs(101)));
        let known = Known { credential: Arc::new(credential), previous };
        assert_eq!(known.lapse(version, Duration::from_secs(100)), expected);
        assert!(known.lapse(1, Duration::from_secs(101)).is_some());
    }
}
