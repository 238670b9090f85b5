//! Makes the callers of a client out of its credentials.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rrauth::{Index, JwkSet, JwtPolicy, PasswordHash};

use crate::control_plane::config::made::Made;
use crate::control_plane::config::resource::{Collection, Key, Kind, Resource, digest};
use crate::control_plane::config::scopes::Hanging;
use crate::control_plane::config::shown::{previous_name, secret_name, shown_as};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::auth::form::{Auth, Kind as Side};
use crate::control_plane::wire::auth::parts::{Introspection, JwtVerify, Keys};
use crate::control_plane::wire::credential::Credential;
use crate::model::{Callers, Consumer, Digest, How, JwtKeys, Known, SecretName, Verified};

type Shown = rrauth::Credential<Arc<Consumer>>;

/// All callers in `config`.
pub(crate) fn of(made: &mut Made, config: &Config) -> Result<Arc<Callers>, Unservable> {
    let mut gathered = Gathered::default();
    for resource in config.list(&Collection::top(Kind::Credential), 0) {
        if let Some(spec) = resource.spec.as_credential().filter(|it| it.kind == Side::Proxy) {
            gathered.add(made, config, resource, spec)?;
        }
    }
    let whole = digest(gathered.digests.iter().map(|it| it.0.as_slice()));
    made.callers.get(whole, || {
        let Gathered { recognised, verified, known, headers, .. } = gathered;
        let headers = headers.iter().filter_map(|it| it.parse().ok()).collect();
        let mut index = Index::builder();
        for (key, credential) in recognised {
            index = index.insert(key, Shown::clone(&credential));
        }
        Ok(Callers { digest: whole, index: Arc::new(index.build()), verified, known, headers })
    })
}

#[derive(Default)]
struct Gathered {
    recognised: Vec<(rrauth::KeyDigest, Arc<Shown>)>,
    verified: Vec<Arc<Verified>>,
    known: HashMap<Arc<str>, Known>,
    headers: BTreeSet<String>,
    passwords: HashMap<String, usize>,
    digests: Vec<Digest>,
}

impl Gathered {
    fn add(
        &mut self,
        made: &mut Made,
        config: &Config,
        resource: &Resource,
        spec: &Credential,
    ) -> Result<(), Unservable> {
        let Some(kind) = shown_as(spec) else { return Ok(()) };
        let Hanging { digests: [rules, filters], .. } =
            made.scopes.of(config, &resource.key, spec.default_rule_effect)?;
        let whole = digest([resource.digest().0.as_slice(), &rules.0, &filters.0]);
        self.digests.push(whole);
        if let Auth::ApiKey { name, .. } = &spec.auth {
            self.headers.insert(name.to_ascii_lowercase());
        }
        let version = spec.secret.as_ref().map_or(0, |it| it.version);
        let credential = shown(made, config, resource, spec, (kind, version, None))?;
        let mut known = Known { credential: Arc::clone(&credential), previous: None };
        let mut before = None;
        if let Some(it) = spec.secret.as_ref().and_then(|it| it.previous.as_ref()) {
            let until = since_epoch(it.until_ms);
            let old = shown(made, config, resource, spec, (kind, it.version, Some(until)))?;
            known.previous = Some((it.version, until));
            if let Some(digest) = it.digest {
                self.recognised.push((digest.0, Arc::clone(&old)));
            }
            self.signed_before(made, (resource, spec, whole), Arc::clone(&old))?;
            before = it.hash.as_deref().map(|hash| (hash.to_owned(), old));
        }
        if let Some(it) = spec.secret.as_ref().and_then(|it| it.digest) {
            self.recognised.push((it.0, Arc::clone(&credential)));
        }
        self.known.insert(Arc::clone(&resource.key.id), known);
        if let Some(how) = how(&resource.key, spec, before)? {
            self.count(&resource.key, &how)?;
            let verified = Verified { digest: learnt(resource, spec), credential, how };
            self.verified.push(made.verified.get(whole, || Ok(verified))?);
        }
        Ok(())
    }
}

impl Gathered {
    // Tokens that are signed with the shared secret before are the caller's for as long as `old` is.
    fn signed_before(
        &mut self,
        made: &mut Made,
        (resource, spec, whole): (&Resource, &Credential, Digest),
        old: Arc<Shown>,
    ) -> Result<(), Unservable> {
        let (Auth::JwtVerify(it), Some(name)) = (&spec.auth, previous_name(&resource.key, spec))
        else {
            return Ok(());
        };
        let version = name.version.to_be_bytes();
        let learnt = digest([learnt(resource, spec).0.as_slice(), b"before", &version]);
        let how = How::Jwt { policy: policy(&resource.key, it)?, keys: JwtKeys::Shared(name) };
        let verified = Verified { digest: learnt, credential: old, how };
        let digest = digest([whole.0.as_slice(), b"before", &version]);
        self.verified.push(made.verified.get(digest, || Ok(verified))?);
        Ok(())
    }

    // As many passwords of one user name as are ever tried.
    fn count(&mut self, key: &Key, how: &How) -> Result<(), Unservable> {
        let How::Password { username, previous, .. } = how else { return Ok(()) };
        let count = self.passwords.entry(username.clone()).or_default();
        *count += 1 + usize::from(previous.is_some());
        if *count <= MOST_PASSWORDS {
            return Ok(());
        }
        let why =
            format!("{MOST_PASSWORDS} passwords have this user name, those in grace included");
        Err(Unservable::new(key, "/auth/username", why))
    }
}

// The credential as whoever shows that version of its secret gets it.
fn shown(
    made: &mut Made,
    config: &Config,
    resource: &Resource,
    spec: &Credential,
    (kind, version, until): (rrauth::Kind, u32, Option<Duration>),
) -> Result<Arc<Shown>, Unservable> {
    let hanging = made.scopes.of(config, &resource.key, spec.default_rule_effect)?;
    let [rules, filters] = &hanging.digests;
    let whole = resource.digest();
    let parts = [whole.0.as_slice(), &rules.0, &filters.0, &version.to_be_bytes()];
    let consumer = made.consumers.get(digest(parts), || {
        let Hanging { digests: _, rules, filters } = hanging;
        let credential = Arc::clone(&resource.key.id);
        Ok(Consumer { credential, version, terms: terms(spec), rules, filters })
    })?;
    let expires = spec.expires_at_ms.map(since_epoch);
    let ends = [expires, until].into_iter().flatten().min();
    let credential =
        rrauth::Credential::new(Arc::clone(&resource.key.id), spec.name.as_str(), kind, consumer)
            .active(spec.active)
            .expires_at(ends)
            .scopes(spec.scopes.iter().map(String::as_str));
    Ok(Arc::new(credential))
}

// Of how tokens and certificates are verified.
fn terms(spec: &Credential) -> Digest {
    match &spec.auth {
        Auth::JwtVerify(_) | Auth::Introspection(_) | Auth::Mtls { .. } => {
            digest([serde_json::to_vec(&spec.auth).unwrap_or_default().as_slice()])
        }
        Auth::ApiKey { .. }
        | Auth::Bearer { .. }
        | Auth::Basic { .. }
        | Auth::Jwt { .. }
        | Auth::OAuth2(_)
        | Auth::CustomToken(_)
        | Auth::AwsSigV4(_)
        | Auth::Hmac(_)
        | Auth::Custom { .. }
        | Auth::None {} => Digest([0; 32]),
    }
}

// Of what is learnt while it is verified: keys, tokens.
fn learnt(resource: &Resource, spec: &Credential) -> Digest {
    let auth = serde_json::to_vec(&spec.auth).unwrap_or_default();
    let version = spec.secret.as_ref().map_or(0, |it| it.version).to_be_bytes();
    digest([resource.key.id.as_bytes(), &auth, &version])
}

fn how(
    key: &Key,
    spec: &Credential,
    before: Option<(String, Arc<Shown>)>,
) -> Result<Option<How>, Unservable> {
    let wrong = |pointer: &str, why: String| Unservable::new(key, pointer, why);
    Ok(Some(match &spec.auth {
        Auth::Basic { username } => {
            let read = |text: &str| {
                PasswordHash::parse(text).map_err(|it| wrong("/auth/password", it.to_string()))
            };
            let Some(hash) = spec.secret.as_ref().and_then(|it| it.hash.as_deref()) else {
                return Ok(None);
            };
            let previous = match before {
                Some((hash, credential)) => Some((read(&hash)?, credential)),
                None => None,
            };
            How::Password { username: username.clone(), hash: read(hash)?, previous }
        }
        Auth::JwtVerify(it) => How::Jwt { policy: policy(key, it)?, keys: keys(key, spec, it)? },
        Auth::Introspection(it) => introspection(key, spec, it)?,
        Auth::Mtls { subject_pattern } => How::Certificate { pattern: subject_pattern.clone() },
        Auth::ApiKey { .. }
        | Auth::Bearer { .. }
        | Auth::Jwt { .. }
        | Auth::OAuth2(_)
        | Auth::CustomToken(_)
        | Auth::AwsSigV4(_)
        | Auth::Hmac(_)
        | Auth::Custom { .. }
        | Auth::None {} => return Ok(None),
    }))
}

fn policy(key: &Key, it: &JwtVerify) -> Result<JwtPolicy, Unservable> {
    let wrong = |pointer: String, why: String| Unservable::new(key, &pointer, why);
    let mut algorithms = Vec::with_capacity(it.algorithms.len());
    for (at, name) in it.algorithms.iter().enumerate() {
        let algorithm = name.parse::<rrauth::JwtAlgorithm>();
        let pointer = || format!("/auth/algorithms/{at}");
        algorithms.push(algorithm.map_err(|it| wrong(pointer(), it.to_string()))?);
    }
    let mut policy = JwtPolicy::builder(it.issuer.as_str())
        .algorithms(algorithms)
        .leeway(Duration::from_secs(it.leeway_seconds))
        .max_lifetime(it.max_lifetime_seconds.map(Duration::from_secs));
    if !it.audience.is_empty() {
        policy = policy.audience(it.audience.iter().map(String::as_str));
    }
    for (name, value) in &it.required_claims {
        let values = match value {
            serde_json::Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        policy = policy.required_claim(name.as_str(), values);
    }
    if let Some(pattern) = &it.subject_pattern {
        policy = policy.subject_pattern(pattern.as_str());
    }
    policy.build().map_err(|it| wrong(format!("/auth/{}", it.field()), it.to_string()))
}

fn keys(key: &Key, spec: &Credential, it: &JwtVerify) -> Result<JwtKeys, Unservable> {
    let wrong = |pointer: &str, why: &dyn ToString| Unservable::new(key, pointer, why.to_string());
    Ok(match it.keys() {
        Keys::Fetched(url) => JwtKeys::Fetched {
            url: url.to_owned(),
            cooldown: Duration::from_secs(it.jwks_cooldown_seconds),
            max_stale: Duration::from_secs(it.jwks_max_stale_seconds),
            allow_plaintext: it.allow_plaintext,
        },
        Keys::Inline(set) => {
            let text = serde_json::to_vec(set).unwrap_or_default();
            let keys = JwkSet::parse_public(&text);
            JwtKeys::Inline(keys.map_err(|it| wrong("/auth/jwks", &it))?)
        }
        Keys::Shared => JwtKeys::Shared(sealed(key, spec, "/auth/sharedSecret")?),
    })
}

fn introspection(key: &Key, spec: &Credential, it: &Introspection) -> Result<How, Unservable> {
    Ok(How::Introspection {
        url: it.introspection_url.clone(),
        client_id: it.client_id.clone(),
        secret: sealed(key, spec, "/auth/clientSecret")?,
        audience: it.audience.clone(),
        cache: Duration::from_secs(it.cache_seconds),
        allow_plaintext: it.allow_plaintext,
    })
}

fn sealed(key: &Key, spec: &Credential, pointer: &str) -> Result<SecretName, Unservable> {
    secret_name(key, spec).ok_or_else(|| Unservable::new(key, pointer, "there is no secret"))
}

/// What expired before 1970 has expired.
pub(crate) fn since_epoch(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// As many as an account book tries for one name.
const MOST_PASSWORDS: usize = 4;
