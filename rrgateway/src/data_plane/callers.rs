//! Who verifies a client's callers, made when a revision arrives; what they have learnt outlives it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use rrauth::{
    Accounts, AnyOf, AuthLayer, CertificateRule, ClientCertificates, Freshness, HttpClient, Index,
    Introspection, IntrospectionPolicy, JwkSet, JwksVerifier, JwtPolicy, JwtVerifier,
    PasswordWorkers, RemoteKeys, TokenVerifier,
};

use crate::data_plane::secrets::Secrets;
use crate::model::{Authentication, Callers, Consumer, Digest, How, JwtKeys, SecretName, Verified};

type Caller = Arc<Consumer>;
type Verifier = Arc<dyn TokenVerifier<Caller>>;

/// What is known of callers beyond their configuration: keys that were fetched, tokens and passwords
/// that were verified.
pub struct Acquaintance {
    workers: PasswordWorkers,
    client: Arc<dyn HttpClient>,
    secrets: Secrets,
    learnt: HashMap<Digest, Learnt>,
    // Keys that were fetched for a credential: what else is said of its tokens leaves them alone.
    fetched: HashMap<Fetched, RemoteKeys>,
    last: Option<(Digest, Arc<Verifiers>)>,
    nobody: Arc<Verifiers>,
}

/// For which credential keys are fetched, from where, and how they age.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Fetched {
    credential: Arc<str>,
    url: String,
    cooldown: Duration,
    max_stale: Duration,
}

/// What was learnt of one credential's tokens.
#[derive(Clone)]
enum Learnt {
    Inline(JwtVerifier<Caller>),
    Fetched(JwksVerifier<Caller>),
    Asked(Introspection<Caller>),
}

/// The verifiers of a client's callers, each with the id of its credential.
#[derive(Default)]
pub struct Verifiers {
    signed: Vec<(Arc<str>, Verifier)>,
    asked: Vec<(Arc<str>, Verifier)>,
    passwords: Option<Accounts<Caller>>,
    named: HashSet<Arc<str>>,
    certificates: Vec<(Arc<str>, CertificateRule<Caller>)>,
}

impl Acquaintance {
    /// Nobody is known yet. Key servers are called through `client`.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn new(client: Arc<dyn HttpClient>, secrets: Secrets) -> anyhow::Result<Self> {
        let workers = PasswordWorkers::new()?;
        let (learnt, fetched, nobody) = (HashMap::new(), HashMap::new(), Arc::default());
        Ok(Self { workers, client, secrets, learnt, fetched, last: None, nobody })
    }

    /// The verifiers of who may be let in by `authentication`.
    pub fn of(&mut self, authentication: &Authentication) -> Arc<Verifiers> {
        match authentication {
            // Where nobody may call, nobody is asked about.
            Authentication::Credentials { callers, bound, .. } if !bound.is_empty() => {
                self.verifiers(callers)
            }
            Authentication::Credentials { .. } | Authentication::None { .. } => {
                Arc::clone(&self.nobody)
            }
        }
    }

    // The same as the last time where nothing has changed.
    fn verifiers(&mut self, callers: &Callers) -> Arc<Verifiers> {
        if let Some((digest, known)) = &self.last
            && *digest == callers.digest
        {
            return Arc::clone(known);
        }
        let mut verifiers = Verifiers::default();
        let mut learnt = HashMap::new();
        let mut accounts = Accounts::builder(&self.workers);
        for verified in &callers.verified {
            let id = Arc::clone(&verified.credential.id);
            match &verified.how {
                How::Password { username, hash, previous } => {
                    let now = Some((hash.clone(), Arc::clone(&verified.credential)));
                    for (hash, credential) in now.into_iter().chain(previous.clone()) {
                        accounts = accounts.insert(username.as_str(), hash, credential);
                    }
                    verifiers.named.insert(id);
                }
                How::Certificate { pattern } => {
                    let credential = Arc::clone(&verified.credential);
                    match CertificateRule::new(pattern, credential) {
                        Ok(rule) => verifiers.certificates.push((id, rule)),
                        Err(error) => unusable(&id, &error),
                    }
                }
                How::Jwt { .. } | How::Introspection { .. } => match self.tokens(verified) {
                    Ok(known) => {
                        learnt.insert(verified.digest, known.clone());
                        match known {
                            Learnt::Inline(it) => verifiers.signed.push((id, Arc::new(it))),
                            Learnt::Fetched(it) => verifiers.signed.push((id, Arc::new(it))),
                            Learnt::Asked(it) => verifiers.asked.push((id, Arc::new(it))),
                        }
                    }
                    // It lets nobody in; the others go on.
                    Err(error) => unusable(&id, &error),
                },
            }
        }
        if !verifiers.named.is_empty() {
            match accounts.build() {
                Ok(accounts) => verifiers.passwords = Some(accounts),
                Err(error) => tracing::error!(%error, "passwords cannot be verified"),
            }
        }
        self.remember(callers, learnt);
        let verifiers = Arc::new(verifiers);
        self.last = Some((callers.digest, Arc::clone(&verifiers)));
        verifiers
    }

    fn remember(&mut self, callers: &Callers, learnt: HashMap<Digest, Learnt>) {
        self.fetched = callers.verified.iter().filter_map(|it| fetched(it, &learnt)).collect();
        self.learnt = learnt;
    }

    // With what was learnt before, for the credential as it is now.
    fn tokens(&self, verified: &Verified) -> anyhow::Result<Learnt> {
        let credential = || Arc::clone(&verified.credential);
        match self.learnt.get(&verified.digest) {
            Some(Learnt::Inline(it)) => return Ok(Learnt::Inline(it.renewed(credential()))),
            Some(Learnt::Fetched(it)) => return Ok(Learnt::Fetched(it.renewed(credential()))),
            Some(Learnt::Asked(it)) => return Ok(Learnt::Asked(it.renewed(credential()))),
            None => {}
        }
        match &verified.how {
            How::Jwt { policy, keys } => self.signed(verified, policy.clone(), keys),
            How::Introspection { url, client_id, secret, audience, cache, allow_plaintext } => {
                let secret = self.text(secret)?;
                let url: Uri = url.parse()?;
                let policy = IntrospectionPolicy::builder(url, client_id, &secret);
                let policy = policy.allow_plaintext(*allow_plaintext).build()?;
                let mut policy = policy.cache(*cache);
                if !audience.is_empty() {
                    policy = policy.audience(audience.iter().map(String::as_str));
                }
                let asked = Introspection::new(credential(), policy, Arc::clone(&self.client))?;
                Ok(Learnt::Asked(asked))
            }
            How::Password { .. } | How::Certificate { .. } => anyhow::bail!("it has no tokens"),
        }
    }

    fn signed(
        &self,
        verified: &Verified,
        policy: JwtPolicy,
        keys: &JwtKeys,
    ) -> anyhow::Result<Learnt> {
        let credential = Arc::clone(&verified.credential);
        Ok(match keys {
            JwtKeys::Inline(keys) => {
                Learnt::Inline(JwtVerifier::new(credential, policy, keys.clone())?)
            }
            JwtKeys::Shared(name) => {
                let text = self.text(name)?;
                let secret = zeroize::Zeroizing::new(STANDARD.decode(text.as_bytes())?);
                let keys = JwkSet::shared_secret(&secret)?;
                Learnt::Inline(JwtVerifier::new(credential, policy, keys)?)
            }
            JwtKeys::Fetched { url, cooldown, max_stale, allow_plaintext } => {
                let known = Fetched::of(verified).and_then(|it| self.fetched.get(&it));
                let keys = match known {
                    Some(keys) => keys.clone(),
                    None => {
                        let freshness = Freshness::new().cool_down(*cooldown).max_stale(*max_stale);
                        let freshness = freshness.allow_plaintext(*allow_plaintext);
                        RemoteKeys::new(Arc::clone(&self.client), url.parse()?, freshness)?
                    }
                };
                Learnt::Fetched(JwksVerifier::new(credential, policy, keys)?)
            }
        })
    }

    fn text(&self, name: &SecretName) -> anyhow::Result<zeroize::Zeroizing<String>> {
        let bytes = self.secrets.reveal(name)?;
        let text = std::str::from_utf8(&bytes).context("the secret is not text")?;
        Ok(zeroize::Zeroizing::new(text.to_owned()))
    }
}

impl Verifiers {
    /// `layer`, asking these about callers of a proxy that has `bound`. Tokens, and where they count
    /// certificates, of others are verified too: who has a good one is told that it is not bound
    /// here. Costly checks and calls are made for those that are bound only.
    pub fn beside(
        &self,
        layer: AuthLayer<Index<Caller>>,
        bound: &HashSet<Arc<str>>,
    ) -> AuthLayer<Index<Caller>> {
        let mut layer = layer;
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            self.signed.iter().partition(|(id, _)| bound.contains(id));
        if !self.signed.is_empty() {
            let all = here.into_iter().chain(elsewhere);
            layer = layer.tokens(AnyOf::new(all.map(|(_, it)| Arc::clone(it))));
        }
        let mut asked = self.asked.iter().filter(|(id, _)| bound.contains(id)).peekable();
        if asked.peek().is_some() {
            layer = layer.tokens(AnyOf::new(asked.map(|(_, it)| Arc::clone(it))));
        }
        if let Some(accounts) = &self.passwords
            && self.named.iter().any(|id| bound.contains(id))
        {
            layer = layer.passwords(accounts.clone());
        }
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            self.certificates.iter().partition(|(id, _)| bound.contains(id));
        if here.is_empty() {
            return layer;
        }
        let all = here.into_iter().chain(elsewhere);
        layer.connections(ClientCertificates::new(all.map(|(_, rule)| rule.clone())))
    }
}

impl Fetched {
    fn of(verified: &Verified) -> Option<Self> {
        let How::Jwt { keys: JwtKeys::Fetched { url, cooldown, max_stale, .. }, .. } =
            &verified.how
        else {
            return None;
        };
        Some(Self {
            credential: Arc::clone(&verified.credential.id),
            url: url.clone(),
            cooldown: *cooldown,
            max_stale: *max_stale,
        })
    }
}

fn fetched(verified: &Verified, learnt: &HashMap<Digest, Learnt>) -> Option<(Fetched, RemoteKeys)> {
    match learnt.get(&verified.digest)? {
        Learnt::Fetched(it) => Some((Fetched::of(verified)?, it.keys().clone())),
        Learnt::Inline(_) | Learnt::Asked(_) => None,
    }
}

fn unusable(id: &str, error: &dyn fmt::Display) {
    tracing::error!(credential = id, %error, "a credential cannot be verified, and lets nobody in");
}

impl fmt::Debug for Acquaintance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquaintance").field("learnt", &self.learnt.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Verifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifiers")
            .field("signed", &self.signed.len())
            .field("asked", &self.asked.len())
            .field("passwords", &self.named.len())
            .field("certificates", &self.certificates.len())
            .finish()
    }
}
