//! Makes of a target credential what is injected, with the secret out of the vault.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use rrauth::{
    AwsSigV4, ClientAuth, CustomToken, Destinations, Grant, HttpClient, HttpSignature, Injection,
    OAuth2, TokenSource,
};
use rrcore::{Clock, Code, Now, Refusal};
use zeroize::Zeroizing;

use crate::data_plane::secrets::{Consents, Refreshing, Secrets};
use crate::model::{Digest, Lifetime, Presentation, SecretName, TargetCredential};

/// What is injected for each target credential. Tokens that were fetched outlive revisions.
pub struct Injections {
    secrets: Secrets,
    consents: Consents,
    client: Arc<dyn HttpClient>,
    clock: Clock,
    made: HashMap<Digest, Arc<Injection>>,
    // Of the revision that is being built: the others go with its end.
    kept: HashMap<Digest, Arc<Injection>>,
    // Those of them that could not be had.
    failed: HashSet<Digest>,
}

impl Injections {
    /// Opens secrets of `secrets`, takes turns by `consents`, and fetches tokens through `client`.
    pub fn new(
        secrets: Secrets,
        consents: Consents,
        client: Arc<dyn HttpClient>,
        clock: Clock,
    ) -> Self {
        Self {
            secrets,
            consents,
            client,
            clock,
            made: HashMap::new(),
            kept: HashMap::new(),
            failed: HashSet::new(),
        }
    }

    /// What is injected for `credential`: the same as for an equal one before.
    ///
    /// A credential that cannot be had costs its own proxies 503, not the whole revision: the others
    /// have to go on.
    pub fn of(&mut self, credential: &TargetCredential) -> Arc<Injection> {
        if let Some(kept) = self.kept.get(&credential.digest) {
            return Arc::clone(kept);
        }
        let injection = match self.made.get(&credential.digest) {
            Some(known) => Arc::clone(known),
            None => Arc::new(self.make(credential)),
        };
        self.kept.insert(credential.digest, Arc::clone(&injection));
        injection
    }

    /// Whether what is injected for `credential` was had before, and so is the same again.
    pub fn has(&self, credential: &TargetCredential) -> bool {
        self.made.contains_key(&credential.digest)
    }

    /// Lets go of what was made for revisions before, and not again for this one. What could not be
    /// had is tried anew for the next: a disk that fails may be well again.
    pub fn settle(&mut self) {
        self.made = std::mem::take(&mut self.kept);
        for failed in self.failed.drain() {
            self.made.remove(&failed);
        }
    }

    fn make(&mut self, credential: &TargetCredential) -> Injection {
        if !credential.active {
            return Injection::unavailable("the target credential is switched off");
        }
        self.open(credential).unwrap_or_else(|error| {
            let secret = credential.secret.as_ref().map(tracing::field::display);
            tracing::error!(secret, %error, "a target credential is unusable");
            self.failed.insert(credential.digest);
            Injection::unavailable(error.to_string())
        })
    }

    fn open(&self, credential: &TargetCredential) -> anyhow::Result<Injection> {
        let Presentation::None = &credential.present else {
            let name = credential.secret.as_ref().context("the credential names no secret")?;
            let secret = self.secrets.reveal(name)?;
            let injection = self.shown(&credential.present, &secret, name)?;
            let destinations = Destinations::parse(&credential.destinations)?;
            return Ok(injection.bound_to(destinations));
        };
        Ok(Injection::none())
    }

    fn shown(
        &self,
        present: &Presentation,
        secret: &[u8],
        name: &SecretName,
    ) -> anyhow::Result<Injection> {
        let text = || std::str::from_utf8(secret).context("the secret is not text");
        Ok(match present {
            Presentation::None => Injection::none(),
            Presentation::Header { name, prefix } => {
                Injection::header(name.clone(), prefix, text()?)?
            }
            Presentation::Query { name } => Injection::query(name, text()?)?,
            Presentation::Basic { username } => Injection::basic(username, text()?)?,
            Presentation::Headers { names } => headers(names, secret)?,
            Presentation::OAuth2 { .. } => {
                let tokens = self.oauth2_tokens(present, secret, name)?;
                Injection::token(tokens, rrauth::Presentation::bearer())
            }
            Presentation::CustomToken { shown, .. } => {
                let tokens = self.tokens(name, custom_token(present, secret)?);
                let shown = match &**shown {
                    Presentation::Header { name, prefix } => {
                        rrauth::Presentation::header(name.clone(), prefix)?
                    }
                    Presentation::Query { name } => rrauth::Presentation::query(name)?,
                    _ => anyhow::bail!("a token is shown in a header or in the query"),
                };
                Injection::token(tokens, shown)
            }
            Presentation::AwsSigV4 { access_key_id, service, region } => {
                let secrets = Members::read(secret)?;
                let key = secrets.required("secretAccessKey")?;
                let mut signer = AwsSigV4::new(access_key_id, key, region, service)?;
                if let Some(token) = secrets.get("sessionToken") {
                    signer = signer.session_token(token)?;
                }
                Injection::signed(Arc::new(signer))
            }
            Presentation::HttpSignature { key_id, components } => {
                let key = Zeroizing::new(STANDARD.decode(secret)?);
                let signer = HttpSignature::new(key_id, &key, components)?;
                Injection::signed(Arc::new(signer))
            }
        })
    }

    fn oauth2_tokens(
        &self,
        present: &Presentation,
        secret: &[u8],
        name: &SecretName,
    ) -> anyhow::Result<Arc<TokenSource>> {
        let (client, refreshing) = oauth2(present, secret)?;
        match refreshing {
            None => Ok(self.tokens(name, client.client_credentials()?)),
            Some(it) => self.consents.source(&self.secrets, name, it, |consent| {
                Ok(self.tokens(name, client.refreshing(consent)?))
            }),
        }
    }

    fn tokens(&self, name: &SecretName, grant: Grant) -> Arc<TokenSource> {
        let credential = Arc::clone(&name.credential);
        let source = TokenSource::builder(grant, Arc::clone(&self.client));
        let source = source.on_failure(move |error| {
            tracing::warn!(%credential, %error, "no new token for a target credential");
        });
        Arc::new(source.clock(self.clock.clone()).build())
    }
}

/// Whether `credential` has not expired `now`.
///
/// # Errors
/// 503 `credential-unavailable` where it has.
pub fn in_time(credential: &TargetCredential, now: Now) -> Result<(), Refusal> {
    let now = i64::try_from(now.wall.as_millis()).unwrap_or(i64::MAX);
    match credential.expires_at_ms {
        Some(end) if end <= now => {
            Err(Refusal::new(Code::CredentialUnavailable)
                .because("the target credential has expired"))
        }
        Some(_) | None => Ok(()),
    }
}

fn oauth2(present: &Presentation, secret: &[u8]) -> anyhow::Result<(OAuth2, Option<Refreshing>)> {
    let Presentation::OAuth2 {
        token_url,
        client_id,
        in_body,
        scopes,
        audience,
        refreshes,
        allow_plaintext,
    } = present
    else {
        anyhow::bail!("this is not an OAuth 2.0 client")
    };
    let members = Members::read(secret)?;
    let auth = if *in_body { ClientAuth::Post } else { ClientAuth::Basic };
    let mut client = OAuth2::new(token_url, client_id)
        .client_auth(auth)
        .scopes(scopes)
        .allow_plaintext(*allow_plaintext);
    if let Some(secret) = members.get("clientSecret") {
        client = client.secret(secret);
    }
    if let Some(audience) = audience {
        client = client.audience(audience);
    }
    let refreshing = Refreshing {
        token_url: token_url.clone(),
        client_id: client_id.clone(),
        in_body: *in_body,
        allow_plaintext: *allow_plaintext,
    };
    Ok((client, refreshes.then_some(refreshing)))
}

fn custom_token(present: &Presentation, secret: &[u8]) -> anyhow::Result<Grant> {
    let Presentation::CustomToken {
        method,
        url,
        headers,
        token_path,
        lifetime,
        allow_plaintext,
        ..
    } = present
    else {
        anyhow::bail!("this is not a token of a vendor's own")
    };
    let secrets = Members::read(secret)?;
    let mut token = CustomToken::new(method.clone(), url, token_path);
    for name in headers {
        let value = secrets.required(&format!("header:{}", name.to_ascii_lowercase()))?;
        token = token.header(name, value);
    }
    if let Some(body) = secrets.get("body") {
        token = token.body(body);
    }
    let token = match lifetime {
        Lifetime::Fixed(ttl) => token.ttl(*ttl),
        Lifetime::Told(path) => token.expires_path(path),
    };
    Ok(token.allow_plaintext(*allow_plaintext).grant()?)
}

fn headers(names: &[HeaderName], secret: &[u8]) -> anyhow::Result<Injection> {
    let values = Members::read(secret)?;
    let headers: anyhow::Result<Vec<_>> =
        names.iter().map(|name| Ok((name.clone(), values.required(name.as_str())?))).collect();
    Ok(Injection::headers(headers?)?)
}

/// Several secrets that the vault has as one: their names are in lower case but where they are ours.
struct Members {
    values: HashMap<String, Zeroizing<String>>,
}

impl Members {
    fn read(secret: &[u8]) -> anyhow::Result<Self> {
        // The error of the parser would show what it could not parse.
        let values = serde_json::from_slice(secret)
            .map_err(|_| anyhow::anyhow!("the secret is not an object of texts"))?;
        Ok(Self { values })
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> anyhow::Result<&str> {
        self.get(name).with_context(|| format!("no value for {name}"))
    }
}

impl fmt::Debug for Injections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injections").field("made", &self.made.len()).finish_non_exhaustive()
    }
}
