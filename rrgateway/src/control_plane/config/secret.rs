//! Decides what becomes of a credential's secret: taken in, kept, or generated.

use rrauth::{PasswordHash, RandomUnavailable};
use zeroize::Zeroizing;

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::wire::auth::form::{Auth, Kept, Kind};
use crate::control_plane::wire::credential::{Credential, CredentialDraft};
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::secret::{PreviousSecret, SecretDigest, SecretState};

/// Makes a new API key.
pub(crate) type Generate = fn() -> Result<Zeroizing<String>, RandomUnavailable>;

/// A secret that has just come in.
#[derive(Default)]
pub(crate) struct Fresh {
    /// For the vault.
    pub(crate) incoming: Option<Incoming>,
    /// For the client, once.
    pub(crate) shown: Option<Zeroizing<String>>,
}

/// What the vault is to do with a secret that has just come in.
pub(crate) enum Incoming {
    /// To seal it, and to take its fingerprint.
    Sealed(Zeroizing<String>),
    /// Only to take the fingerprint of this, by which the secret is recognised.
    Recognised(String),
}

/// What a credential is to take the place of, and when.
#[derive(Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub(crate) old: Option<&'a Credential>,
    /// The last version of its secret; the next one is the one after.
    pub(crate) last: u32,
    /// Milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    /// That the secret must be a new one, and for how long the one before stays good.
    pub(crate) grace_seconds: Option<u64>,
}

/// The credential that `draft` makes.
pub(crate) fn settle(
    draft: CredentialDraft,
    standing: Standing<'_>,
    generate: Generate,
) -> Result<(Credential, Fresh), Refused> {
    let CredentialDraft { mut credential, secret, is_bound } = draft;
    let Standing { old, last, at_ms, grace_seconds } = standing;
    if old.is_some_and(|it| it.kind != credential.kind) {
        return Err(invalid("/kind", "the kind of a credential stays as it is"));
    }
    stays_bound(&mut credential, old, secret.is_some(), is_bound)?;
    let Some(pointer) = credential.auth.secret_pointer() else {
        return match grace_seconds {
            Some(_) => Err(invalid("/auth", "there is no secret here to rotate")),
            None => Ok((credential, Fresh::default())),
        };
    };
    let kept = kept(old, &credential.auth)?;
    let (secret, is_shown) = match (secret, &kept) {
        (Some(secret), _) => (secret, false),
        (None, Some((auth, kept))) if grace_seconds.is_none() => {
            if auth.secret_goes_to() != credential.auth.secret_goes_to() {
                return Err(invalid(pointer, "the URL is another: give the secret again"));
            }
            credential.auth = credential.auth.keeping(auth);
            credential.secret = Some(kept.clone());
            return Ok((credential, Fresh::default()));
        }
        (None, _) if is_generated(credential.kind, &credential.auth) => {
            (generate().map_err(|_| Refused::NoRandomness)?, true)
        }
        (None, _) => match credential.auth.empty_secret() {
            Some(empty) if grace_seconds.is_none() => (empty, false),
            Some(_) | None => return Err(invalid(pointer, "this is required")),
        },
    };
    let state = SecretState {
        version: last.saturating_add(1),
        fingerprint: String::new(),
        rotated_at_ms: at_ms,
        digest: None,
        hash: None,
        previous: kept.and_then(|(_, it)| in_grace(it, &credential, grace_seconds, at_ms)),
    };
    let (state, fresh) = taken_in(secret, is_shown, &credential, state)?;
    credential.secret = Some(state);
    Ok((credential, fresh))
}

// What was stored and may stay: for a secret of the same kind.
fn kept<'a>(
    old: Option<&'a Credential>,
    new: &Auth,
) -> Result<Option<(&'a Auth, SecretState)>, Refused> {
    let like = old.filter(|it| it.auth.is_like(new));
    let kept = like.and_then(|it| Some((&it.auth, it.secret.clone()?)));
    if let Some((old, _)) = &kept {
        old.yields_to(new).map_err(Refused::Invalid)?;
    }
    Ok(kept)
}

// What is left of the secret before, for the time of grace. Of what goes upstream only the newest is
// ever used.
fn in_grace(
    old: SecretState,
    credential: &Credential,
    grace_seconds: Option<u64>,
    at_ms: i64,
) -> Option<PreviousSecret> {
    let is_recognised = credential.auth.kept(credential.kind) != Kept::Sealed
        || matches!(credential.auth, Auth::JwtVerify(_));
    let grace_ms = i64::try_from(grace_seconds?).ok()?.checked_mul(1_000)?;
    (grace_ms > 0 && is_recognised).then(|| old.until(at_ms.saturating_add(grace_ms)))
}

// A secret as it is kept, and as it goes on.
fn taken_in(
    secret: Zeroizing<String>,
    is_shown: bool,
    credential: &Credential,
    state: SecretState,
) -> Result<(SecretState, Fresh), Refused> {
    Ok(match credential.auth.kept(credential.kind) {
        Kept::Sealed => (state, Fresh { incoming: Some(Incoming::Sealed(secret)), shown: None }),
        Kept::Digest => {
            let digest = SecretDigest::of(&secret);
            let incoming = Some(Incoming::Recognised(digest.into()));
            let state = SecretState { digest: Some(digest), ..state };
            (state, Fresh { incoming, shown: is_shown.then_some(secret) })
        }
        Kept::Hash => {
            let hash = PasswordHash::of(&secret);
            let hash = hash.map_err(|it| invalid("/auth/password", &it.to_string()))?.to_phc();
            // Salted: its fingerprint says that the password was set anew, not that two are alike.
            let incoming = Some(Incoming::Recognised(hash.clone()));
            (SecretState { hash: Some(hash), ..state }, Fresh { incoming, shown: None })
        }
    })
}

// Whoever may write a credential may say where its secret goes only together with the secret.
fn stays_bound(
    credential: &mut Credential,
    old: Option<&Credential>,
    is_new: bool,
    is_bound: bool,
) -> Result<(), Refused> {
    let Some(old) = old else { return Ok(()) };
    if !is_bound {
        credential.destinations.clone_from(&old.destinations);
        return Ok(());
    }
    let is_wider = credential.destinations.iter().any(|it| !old.destinations.contains(it))
        // An empty list is filled by whoever comes first.
        || (credential.destinations.is_empty() && !old.destinations.is_empty());
    if is_wider && !is_new {
        let why = "this would send the secret elsewhere: give it again in auth";
        return Err(Refused::Conflict(Flaw::new("/destinations", why)));
    }
    Ok(())
}

fn is_generated(kind: Kind, auth: &Auth) -> bool {
    kind == Kind::Proxy && matches!(auth, Auth::ApiKey { .. })
}

fn invalid(pointer: &str, detail: &str) -> Refused {
    Refused::Invalid(vec![Flaw::new(pointer, detail)])
}
