//! Tokens that their issuer is asked about.

use std::fmt;
use std::sync::Arc;

use rrcore::Now;

use crate::api_key;
use crate::client::http_client::HttpClient;
use crate::inbound::credential::Credential;
use crate::inbound::verify::{TokenVerifier, Verdict};
use crate::introspection::asker::{Asker, Opinion};
use crate::introspection::policy::IntrospectionPolicy;
use crate::introspection::validity::InUse;
use crate::random::RandomUnavailable;

/// Verifies tokens by asking their issuer about them (RFC 7662), for one credential.
///
/// A token is asked about once, however many show it at a time, and the answer remembered for a while,
/// as a digest. An issuer that does not answer means 503, never 401; after three failures in a row it
/// is asked by one request at a time only. Tokens that are active, but no access tokens to be shown as
/// `Bearer` (refresh and identity tokens, and those bound to a key by `DPoP`), are refused if the
/// answer tells.
///
/// ```
/// use std::sync::Arc;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use rrauth::{
///     Credential, Introspection, IntrospectionPolicy, Kind, ServiceClient, TokenVerifier, Verdict,
/// };
/// use rrcore::Clock;
///
/// # tokio_test::block_on(async {
/// // In place of an HTTP client:
/// let client = ServiceClient::new(tower::service_fn(async |_: Request<Full<Bytes>>| {
///     let said = r#"{"active":true,"sub":"alice","scope":"read","aud":"https://api.example"}"#;
///     Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from(said)))
/// }));
/// let url = "https://login.example/introspect".parse()?;
/// let policy = IntrospectionPolicy::new(url, "gateway", "s3cret")?.audience(["https://api.example"]);
/// let partners = Credential::new("cred_8", "partners", Kind::Introspection, ());
/// let verifier = Introspection::new(partners, policy, Arc::new(client))?;
///
/// let now = Clock::system().now();
/// let Verdict::Pending(first) = verifier.verify("an-opaque-token", now) else { panic!() };
/// assert_eq!(first.await.unwrap().subject.as_deref(), Some("alice"));
/// assert!(matches!(verifier.verify("an-opaque-token", now), Verdict::Ready(Ok(_))));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Caveats
/// Nothing tells whose an opaque token is, so each is taken as its own: give it to a layer as the last
/// verifier, and no second one after it.
///
/// A stranger can have as many questions asked as invented tokens are let through: limit the rate
/// before. A revoked token is believed until its answer is forgotten
/// ([`cache`](IntrospectionPolicy::cache)). Who relays a stream that it opened can ask
/// [`Proof::validity`](crate::Proof) now and then, which has the token asked about again whenever its
/// answer is forgotten (every 5 s where that is sooner); where nobody can tell, it holds for a minute
/// more. That a token is bound to a certificate (`cnf`, RFC 8705)
/// is not checked; it is in the claims.
///
/// Questions are asked on the tokio runtime of whoever shows a token, which must keep time.
pub struct Introspection<T> {
    credential: Arc<Credential<T>>,
    asker: Arc<Asker>,
}

/// How an [`Introspection`] is, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntrospectionState {
    /// How many questions are open.
    pub asking: usize,
    /// How many answers are remembered, outdated ones that nobody has shown since included.
    pub remembered: usize,
    /// How many questions found no server since the last that did.
    pub failures: u32,
    /// Why the last of them did not, however long ago.
    pub last_error: Option<String>,
}

impl<T> Introspection<T> {
    /// A verifier that asks through `client`.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn new(
        credential: impl Into<Arc<Credential<T>>>,
        policy: IntrospectionPolicy,
        client: Arc<dyn HttpClient>,
    ) -> Result<Self, RandomUnavailable> {
        let asker = Arc::new(Asker::new(policy, client)?);
        Ok(Self { credential: credential.into(), asker })
    }

    /// The same for a credential that has changed, with what is known already.
    #[must_use]
    pub fn renewed(&self, credential: impl Into<Arc<Credential<T>>>) -> Self {
        Self { credential: credential.into(), ..self.clone() }
    }

    /// Whom it asks.
    #[must_use]
    pub fn policy(&self) -> &IntrospectionPolicy {
        &self.asker.policy
    }

    /// How it is, for the operator.
    #[must_use]
    pub fn state(&self) -> IntrospectionState {
        let (asking, remembered) = self.asker.load();
        let breaker = self.asker.breaker();
        let last_error = breaker.last_error().map(str::to_owned);
        IntrospectionState { asking, remembered, failures: breaker.failures(), last_error }
    }
}

impl<T: Send + Sync + 'static> TokenVerifier<T> for Introspection<T> {
    fn verify(&self, token: &str, now: Now) -> Verdict<T> {
        if !is_token(token) {
            return Verdict::NotMine;
        }
        match self.asker.opinion(token, now) {
            Opinion::Known(Err(why)) => Verdict::Ready(Err(why.of(&self.credential))),
            Opinion::Known(Ok(active)) => {
                let in_use = InUse::new(Arc::clone(&self.asker), token, now);
                let proof = active.proof(&self.credential).while_valid(in_use.shared());
                Verdict::Ready(Ok(proof))
            }
            Opinion::Asked(asked) => {
                let (asker, credential) = (Arc::clone(&self.asker), Arc::clone(&self.credential));
                let in_use = InUse::new(Arc::clone(&self.asker), token, now);
                Verdict::Pending(Box::pin(async move {
                    let active = asker.wait(asked).await.map_err(|it| it.of(&credential))?;
                    Ok(active.proof(&credential).while_valid(in_use.shared()))
                }))
            }
        }
    }
}

/// Whether it can be a bearer token of somebody else's (`b64token`, RFC 6750 §2.1): nothing else is
/// sent on. A key of our own make that nobody has any more would tell its issuer what it was.
fn is_token(token: &str) -> bool {
    if token.starts_with(api_key::PREFIX) {
        return false;
    }
    let word = token.trim_end_matches('=');
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"-._~+/".contains(&it);
    !word.is_empty() && token.len() <= LONGEST_TOKEN && word.bytes().all(allowed)
}

// By hand: `T` need not be `Clone`.
impl<T> Clone for Introspection<T> {
    fn clone(&self) -> Self {
        Self { credential: Arc::clone(&self.credential), asker: Arc::clone(&self.asker) }
    }
}

// By hand: `T` need not be `Debug`.
impl<T> fmt::Debug for Introspection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("credential", &self.credential)
            .field("policy", &self.asker.policy)
            .finish()
    }
}

const LONGEST_TOKEN: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_word_of_token68_can_be_a_token() {
        for good in ["a", "a=", "a==", "-._~+/", "eyJ.eyJ.sig", &"a".repeat(8_192)] {
            check(good, true);
        }
        for bad in [
            "",
            "rr_live_a",
            "=",
            "a b",
            "a=b",
            "a\n",
            "a\0",
            "ü",
            "a,b",
            "a:b",
            "\"a\"",
            &"a".repeat(8_193),
        ] {
            check(bad, false);
        }
    }

    #[track_caller]
    fn check(token: &str, expected: bool) {
        assert_eq!(is_token(token), expected, "{token:?}");
    }
}
