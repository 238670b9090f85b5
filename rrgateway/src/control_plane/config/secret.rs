//! Decides what becomes of a credential's secret: taken in, kept, or generated.

use rrauth::{PasswordHash, RandomUnavailable};
use zeroize::Zeroizing;

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::wire::auth::{Auth, Kept, Kind};
use crate::control_plane::wire::credential::{Credential, CredentialDraft};
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::secret::{SecretDigest, SecretState};

/// Makes a new API key.
pub(crate) type Generate = fn() -> Result<Zeroizing<String>, RandomUnavailable>;

/// A secret that has just come in.
#[derive(Default)]
pub(crate) struct Fresh {
    /// For the vault.
    pub(crate) seal: Option<Zeroizing<String>>,
    /// For the client, once.
    pub(crate) shown: Option<Zeroizing<String>>,
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
    let like = old.filter(|it| it.auth.is_like(&credential.auth));
    let kept = like.and_then(|it| Some((&it.auth, it.secret.clone()?)));
    let generates = is_generated(credential.kind, &credential.auth);
    let secret = match (secret, kept) {
        (Some(secret), kept) => (Some(secret), kept),
        (None, Some((auth, kept))) if grace_seconds.is_none() => {
            if auth.secret_goes_to() != credential.auth.secret_goes_to() {
                return Err(invalid(pointer, "the URL is another: give the secret again"));
            }
            credential.auth = credential.auth.keeping(auth);
            credential.secret = Some(kept);
            return Ok((credential, Fresh::default()));
        }
        (None, kept) if generates => (None, kept),
        (None, _) => return Err(invalid(pointer, "this is required")),
    };
    let (secret, kept) = secret;
    let (secret, is_shown) = match secret {
        Some(secret) => (secret, false),
        None => (generate().map_err(|_| Refused::NoRandomness)?, true),
    };
    let grace_ms = grace_seconds.and_then(|it| i64::try_from(it).ok()).unwrap_or(0) * 1_000;
    let is_recognised = credential.auth.kept(credential.kind) != Kept::Sealed;
    let previous = kept
        .filter(|_| grace_ms > 0 && is_recognised)
        .map(|(_, it)| it.until(at_ms.saturating_add(grace_ms)));
    let mut state = SecretState {
        version: last.saturating_add(1),
        fingerprint: String::new(),
        rotated_at_ms: at_ms,
        digest: None,
        hash: None,
        previous,
    };
    let mut fresh = Fresh::default();
    match credential.auth.kept(credential.kind) {
        Kept::Sealed => fresh.seal = Some(secret),
        Kept::Digest => {
            let digest = SecretDigest::of(&secret);
            (state.fingerprint, state.digest) = (digest.fingerprint(), Some(digest));
            fresh.shown = is_shown.then_some(secret);
        }
        Kept::Hash => {
            let hash = PasswordHash::of(&secret).map_err(|it| invalid(pointer, &it.to_string()))?;
            let hash = hash.to_phc();
            // Salted: it says that the password was set anew, and nothing of it.
            state.fingerprint = SecretDigest::of(&hash).fingerprint();
            state.hash = Some(hash);
        }
    }
    credential.secret = Some(state);
    Ok((credential, fresh))
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
