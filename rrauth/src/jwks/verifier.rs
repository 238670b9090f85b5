//! Tokens of one issuer whose keys are fetched.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rrcore::Now;
use zeroize::Zeroizing;

use crate::inbound::credential::Credential;
use crate::inbound::verify::{LATER, ShownToken, TokenVerifier, Unproved, Verdict};
use crate::jwks::keys::RemoteKeys;
use crate::jwt::cache::CachedPolicy;
use crate::jwt::error::{InvalidJwtPolicy, JwtError};
use crate::jwt::key_set::JwkSet;
use crate::jwt::policy::JwtPolicy;
use crate::jwt::verifier::DEFAULT_TOKENS;
use crate::remote::document::Document;
use crate::remote::error::RemoteUnavailable;
use crate::remote::handle::{Reading, RemoteFuture};

/// Verifies the tokens of one issuer with the keys that it publishes, for one credential.
///
/// A token that was believed is remembered until it expires or the keys change, as a digest: shown
/// again, it costs no signature. A token of a key that is not in the set has the set fetched again,
/// at most once per [cool-down](crate::Freshness::cool_down), and waits for it; until the next it is
/// refused at once. While there are no keys, or the last are too old, nobody can tell: the caller gets
/// 503, never 401. Nor can anybody tell of a key that is not in the set while the server that may have
/// a newer one does not answer.
///
/// ```
/// use std::sync::Arc;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use rrauth::{
///     Credential, Freshness, JwksVerifier, JwtAlgorithm, JwtPolicy, Kind, RemoteKeys, ServiceClient,
///     TokenVerifier, Unproved, Verdict,
/// };
/// use rrcore::Clock;
///
/// # tokio_test::block_on(async {
/// // In place of an HTTP client:
/// let client = ServiceClient::new(tower::service_fn(async |_: Request<Full<Bytes>>| {
///     Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from(r#"{"keys":[{"kty":"OKP",
///         "crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#)))
/// }));
/// let url = "https://login.example/.well-known/jwks.json".parse()?;
/// let keys = RemoteKeys::new(Arc::new(client), url, Freshness::new())?;
/// let policy = JwtPolicy::builder("https://login.example")
///     .algorithms([JwtAlgorithm::EdDsa])
///     .audience(["https://api.example"])
///     .build()?;
/// let partners = Credential::new("cred_7", "partners", Kind::JwtVerify, ());
/// let verifier = JwksVerifier::new(partners, policy, keys)?;
///
/// // {"alg":"EdDSA","kid":"k1"} . {"iss":"https://login.example"} . nonsense
/// let forged = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.AAAA";
/// let Verdict::Pending(first) = verifier.verify(forged, Clock::system().now()) else { panic!() };
/// assert!(matches!(first.await, Err(Unproved::Invalid(_))));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Caveats
/// The keys are fetched on the tokio runtime of whoever shows a token, which must keep time.
///
/// A key that is no longer published is believed until the set is fetched again: up to
/// [`lifetime`](crate::Freshness::lifetime), or [`max_stale`](crate::Freshness::max_stale) while the
/// server is down. Whoever needs less shortens them.
pub struct JwksVerifier<T> {
    credential: Arc<Credential<T>>,
    policy: Arc<CachedPolicy>,
    keys: RemoteKeys,
}

impl<T> JwksVerifier<T> {
    /// A verifier that remembers 10,000 tokens of up to 1 KiB; longer ones count as several.
    ///
    /// # Errors
    /// When the policy has a symmetric algorithm: such keys are not published.
    pub fn new(
        credential: impl Into<Arc<Credential<T>>>,
        policy: JwtPolicy,
        keys: RemoteKeys,
    ) -> Result<Self, InvalidJwtPolicy> {
        Self::remembering(credential, policy, keys, DEFAULT_TOKENS)
    }

    /// As [`new`](Self::new), but remembers `tokens` tokens; 0: none.
    ///
    /// # Errors
    /// As there.
    pub fn remembering(
        credential: impl Into<Arc<Credential<T>>>,
        policy: JwtPolicy,
        keys: RemoteKeys,
        tokens: usize,
    ) -> Result<Self, InvalidJwtPolicy> {
        if let Some(symmetric) = policy.algorithms().iter().find(|it| it.is_symmetric()) {
            let problem = format!("{symmetric} is symmetric, and its keys are not published");
            return Err(InvalidJwtPolicy::new("algorithms", problem));
        }
        let policy = CachedPolicy::new(policy, tokens);
        Ok(Self { credential: credential.into(), policy: Arc::new(policy), keys })
    }

    /// The same for a credential that has changed, with what is known already.
    #[must_use]
    pub fn renewed(&self, credential: impl Into<Arc<Credential<T>>>) -> Self {
        Self { credential: credential.into(), ..self.clone() }
    }

    /// Which tokens it believes.
    #[must_use]
    pub fn policy(&self) -> &JwtPolicy {
        self.policy.policy()
    }

    /// The keys that it verifies with.
    #[must_use]
    pub const fn keys(&self) -> &RemoteKeys {
        &self.keys
    }
}

impl<T: Send + Sync + 'static> TokenVerifier<T> for JwksVerifier<T> {
    fn verify(&self, token: &str, now: Now) -> Verdict<T> {
        self.verify_shown(ShownToken::new(token, &OnceLock::new()), now)
    }

    fn known(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        match self.keys.remote.held(now) {
            None if !self.is_mine(token.expose()) => Verdict::NotMine,
            None => Verdict::Ready(Err(Unproved::Unavailable(LATER.to_owned()))),
            Some(keys) => match self.policy.verify(token, &keys, now.wall) {
                Ok(verified) => Verdict::Ready(Ok(verified.proof(&self.credential))),
                Err(error) if error.is_foreign() => Verdict::NotMine,
                Err(error) if error.is_unknown_key() => {
                    Verdict::Ready(Err(Unproved::Unavailable(LATER.to_owned())))
                }
                Err(error) => Verdict::Ready(Err(Unproved::from(error).of(&self.credential))),
            },
        }
    }

    fn issuer(&self) -> Option<&str> {
        Some(self.policy().issuer())
    }

    fn verify_shown(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        let verified = self.keys.remote.read(now, |keys| {
            let verified = self.policy.verify(token, keys, now.wall);
            verified.map_err(|error| (error.is_unknown_key().then(|| keys.clone()), error))
        });
        match verified {
            Reading::Ready(Ok(verified)) => Verdict::Ready(Ok(verified.proof(&self.credential))),
            Reading::Ready(Err((_, error))) if error.is_foreign() => Verdict::NotMine,
            Reading::Ready(Err((None, error))) => {
                Verdict::Ready(Err(Unproved::from(error).of(&self.credential)))
            }
            Reading::Ready(Err((Some(keys), error))) => match self.keys.remote.newer(&keys, now) {
                Some(newer) => self.pending(token, now, newer),
                None => Verdict::Ready(Err(unknown(&self.keys, &keys, now, error))),
            },
            // Without keys, still only its own tokens are its own.
            Reading::Pending(_) | Reading::Unavailable(_) if !self.is_mine(token.expose()) => {
                Verdict::NotMine
            }
            Reading::Pending(keys) => self.pending(token, now, keys),
            Reading::Unavailable(error) => Verdict::Ready(Err(unavailable(&error))),
        }
    }
}

impl<T: Send + Sync + 'static> JwksVerifier<T> {
    fn pending(&self, token: ShownToken<'_>, now: Now, keys: RemoteFuture<JwkSet>) -> Verdict<T> {
        let (policy, digest) = (Arc::clone(&self.policy), token.taken().clone());
        let token = Zeroizing::new(token.expose().to_owned());
        let credential = Arc::clone(&self.credential);
        // If the verifier is replaced meanwhile, the fetch must go on.
        let owner = self.keys.clone();
        Verdict::Pending(Box::pin(async move {
            let keys = keys.await.map_err(|error| unavailable(&error))?;
            let verified = policy.verify(ShownToken::new(&token, &digest), &keys, now.wall);
            verified.map(|it| it.proof(&credential)).map_err(|error| {
                if error.is_unknown_key() {
                    unknown(&owner, &keys, now, error)
                } else {
                    Unproved::from(error).of(&credential)
                }
            })
        }))
    }

    fn is_mine(&self, token: &str) -> bool {
        let issuer = JwtPolicy::peek_issuer(token);
        issuer.is_some_and(|it| it == self.policy.policy().issuer())
    }
}

/// The issuer says that it has no such key; or nobody can tell, since its server does not answer: it
/// may have a new one.
fn unknown(issuer: &RemoteKeys, keys: &Document<JwkSet>, now: Now, error: JwtError) -> Unproved {
    if keys.is_fresh(now) && issuer.remote.answers() {
        return error.into();
    }
    Unproved::Unavailable(format!("{error} that is known, and its newest cannot be fetched"))
}

fn unavailable(error: &RemoteUnavailable) -> Unproved {
    Unproved::Unavailable(format!("the keys of the issuer: {error}"))
}

// By hand: `T` need not be `Clone`.
impl<T> Clone for JwksVerifier<T> {
    fn clone(&self) -> Self {
        let (policy, keys) = (Arc::clone(&self.policy), self.keys.clone());
        Self { credential: Arc::clone(&self.credential), policy, keys }
    }
}

// By hand: `T` need not be `Debug`.
impl<T> fmt::Debug for JwksVerifier<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksVerifier")
            .field("credential", &self.credential)
            .field("policy", &self.policy)
            .field("keys", &self.keys)
            .finish()
    }
}
