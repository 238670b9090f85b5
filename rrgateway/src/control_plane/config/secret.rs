//! Decides what becomes of a credential's secret: taken in, kept, or generated.

use rrauth::RandomUnavailable;
use zeroize::Zeroizing;

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::wire::auth::{Auth, Kind};
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

/// The credential that `draft` makes in the place of `old`. A new secret is the one after version
/// `last`.
pub(crate) fn settle(
    draft: CredentialDraft,
    old: Option<&Credential>,
    last: u32,
    at_ms: i64,
    generate: Generate,
) -> Result<(Credential, Fresh), Refused> {
    let CredentialDraft { mut credential, secret } = draft;
    if old.is_some_and(|it| it.kind != credential.kind) {
        return Err(invalid("/kind", "the kind of a credential stays as it is"));
    }
    let Some(pointer) = credential.auth.secret_pointer() else {
        return Ok((credential, Fresh::default()));
    };
    let like = old.filter(|it| it.auth.is_like(&credential.auth));
    let kept = like.and_then(|it| Some((&it.auth, it.secret.clone()?)));
    let version = last.saturating_add(1);
    let state =
        |fingerprint, digest| SecretState { version, fingerprint, rotated_at_ms: at_ms, digest };
    let mut fresh = Fresh::default();
    credential.secret = match (credential.kind, secret, kept) {
        (_, None, Some((auth, kept))) => {
            credential.auth = credential.auth.keeping(auth);
            Some(kept)
        }
        (Kind::Target, Some(secret), _) => {
            fresh.seal = Some(secret);
            Some(state(String::new(), None))
        }
        (Kind::Proxy, Some(secret), _) => {
            let digest = SecretDigest::of(&secret);
            Some(state(digest.fingerprint(), Some(digest)))
        }
        (kind, None, None) => {
            if !is_generated(kind, &credential.auth) {
                return Err(invalid(pointer, "this is required"));
            }
            let secret = generate().map_err(|_| Refused::NoRandomness)?;
            let digest = SecretDigest::of(&secret);
            fresh.shown = Some(secret);
            Some(state(digest.fingerprint(), Some(digest)))
        }
    };
    Ok((credential, fresh))
}

const fn is_generated(kind: Kind, auth: &Auth) -> bool {
    match (kind, auth) {
        (Kind::Proxy, Auth::ApiKey { .. }) => true,
        (
            Kind::Proxy,
            Auth::Bearer { .. } | Auth::Basic { .. } | Auth::Custom { .. } | Auth::None {},
        )
        | (Kind::Target, _) => false,
    }
}

fn invalid(pointer: &str, detail: &str) -> Refused {
    Refused::Invalid(vec![Flaw::new(pointer, detail)])
}
