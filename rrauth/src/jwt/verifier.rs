//! Tokens of one issuer whose keys are at hand.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rrcore::Now;

use crate::inbound::credential::Credential;
use crate::inbound::verify::{ShownToken, TokenVerifier, Unproved, Verdict};
use crate::jwt::cache::CachedPolicy;
use crate::jwt::error::InvalidJwtPolicy;
use crate::jwt::key_set::JwkSet;
use crate::jwt::policy::JwtPolicy;

/// Verifies the tokens of one issuer with keys that are at hand, for one credential.
///
/// A token that was believed is remembered until it expires, as a digest: shown again, it costs no
/// signature.
///
/// ```
/// use std::time::Duration;
/// use rrauth::{
///     Credential, JwkSet, JwtAlgorithm, JwtPolicy, JwtVerifier, Kind, TokenVerifier, Verdict,
/// };
/// use rrcore::ManualClock;
///
/// # let sign = |claims: serde_json::Value| jsonwebtoken::encode(
/// #     &jsonwebtoken::Header::default(),
/// #     &claims,
/// #     &jsonwebtoken::EncodingKey::from_secret(b"a secret of at least 32 bytes, or more"),
/// # ).unwrap();
/// let policy = JwtPolicy::builder("https://login.example")
///     .algorithms([JwtAlgorithm::Hs256])
///     .audience(["https://api.example"])
///     .build()?;
/// let keys = JwkSet::shared_secret(b"a secret of at least 32 bytes, or more")?;
/// let partners = Credential::new("cred_7", "partners", Kind::JwtVerify, ());
/// let verifier = JwtVerifier::new(partners, policy, keys)?;
///
/// let token = sign(serde_json::json!({
///     "iss": "https://login.example", "aud": "https://api.example", "sub": "alice", "exp": 1_000,
/// }));
/// let clock = ManualClock::starting_at(Duration::from_secs(900));
/// let Verdict::Ready(Ok(proof)) = verifier.verify(&token, clock.clock().now()) else { panic!() };
/// assert_eq!(proof.subject.as_deref(), Some("alice"));
///
/// let other = sign(serde_json::json!({"iss": "https://other.example", "exp": 1_000}));
/// assert!(matches!(verifier.verify(&other, clock.clock().now()), Verdict::NotMine));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct JwtVerifier<T> {
    credential: Arc<Credential<T>>,
    policy: Arc<CachedPolicy>,
    keys: JwkSet,
}

impl<T> JwtVerifier<T> {
    /// A verifier that remembers 10,000 tokens of up to 1 KiB; longer ones count as several.
    ///
    /// # Errors
    /// When `keys` has none for the policy's algorithms, or is a secret too short for one of them.
    pub fn new(
        credential: impl Into<Arc<Credential<T>>>,
        policy: JwtPolicy,
        keys: JwkSet,
    ) -> Result<Self, InvalidJwtPolicy> {
        let mut algorithms = policy.algorithms().iter();
        // A secret fits all symmetric algorithms or is too short for one; public keys may yet come.
        let useless = algorithms.clone().find(|it| it.is_symmetric() && !keys.fits(**it));
        if let Some(useless) = useless {
            let problem = format!("no key is long enough for {useless}, or symmetric at all");
            return Err(InvalidJwtPolicy::new("keys", problem));
        }
        if !algorithms.any(|it| keys.fits(*it)) {
            return Err(InvalidJwtPolicy::new("keys", "none is for the policy's algorithms"));
        }
        let policy = CachedPolicy::new(policy, DEFAULT_TOKENS);
        Ok(Self { credential: credential.into(), policy: Arc::new(policy), keys })
    }

    /// The same for a credential that has changed, with the tokens that are remembered already.
    #[must_use]
    pub fn renewed(&self, credential: impl Into<Arc<Credential<T>>>) -> Self {
        Self { credential: credential.into(), ..self.clone() }
    }

    /// Remembers `tokens` tokens; 0: none.
    #[must_use]
    pub fn cached_tokens(self, tokens: usize) -> Self {
        Self { policy: Arc::new(self.policy.remembering(tokens)), ..self }
    }

    /// Which tokens it believes.
    #[must_use]
    pub fn policy(&self) -> &JwtPolicy {
        self.policy.policy()
    }
}

impl<T: Send + Sync> TokenVerifier<T> for JwtVerifier<T> {
    fn verify(&self, token: &str, now: Now) -> Verdict<T> {
        self.verify_shown(ShownToken::new(token, &OnceLock::new()), now)
    }

    // Its keys are at hand.
    fn known(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        self.verify_shown(token, now)
    }

    fn verify_shown(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        match self.policy.verify(token, &self.keys, now.wall) {
            Ok(verified) => Verdict::Ready(Ok(verified.proof(&self.credential))),
            Err(error) if error.is_foreign() => Verdict::NotMine,
            Err(error) => Verdict::Ready(Err(Unproved::from(error).of(&self.credential))),
        }
    }

    fn issuer(&self) -> Option<&str> {
        Some(self.policy().issuer())
    }
}

// By hand: `T` need not be `Clone`.
impl<T> Clone for JwtVerifier<T> {
    fn clone(&self) -> Self {
        let (policy, keys) = (Arc::clone(&self.policy), self.keys.clone());
        Self { credential: Arc::clone(&self.credential), policy, keys }
    }
}

// By hand: `T` need not be `Debug`.
impl<T> fmt::Debug for JwtVerifier<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier")
            .field("credential", &self.credential)
            .field("policy", &self.policy)
            .field("keys", &self.keys)
            .finish()
    }
}

/// How many believed tokens are remembered.
pub(crate) const DEFAULT_TOKENS: usize = 10_000;
