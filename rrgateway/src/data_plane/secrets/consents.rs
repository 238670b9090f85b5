//! The refresh tokens that are in use: each in one hand, whatever becomes of the credential around it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use anyhow::Context as _;
use futures_util::future::join_all;
use rrauth::{Consent, TokenSource};
use zeroize::Zeroizing;

use crate::data_plane::secrets::store::Secrets;
use crate::model::SecretName;

/// Who has the refresh token of which secret. Clones know the same.
///
/// A change of a credential must not make a second owner of what can be used once, while requests
/// that began before still have the first.
#[derive(Clone, Default)]
pub struct Consents {
    known: Arc<Mutex<HashMap<SecretName, Known>>>,
}

/// What a refresh depends on, beside the secret. Not on scopes: it names none (RFC 6749 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshing {
    /// Where.
    pub token_url: String,
    /// Of which client.
    pub client_id: String,
    /// Whether the client shows its secret in the body.
    pub in_body: bool,
    /// Whether that may be plain http.
    pub allow_plaintext: bool,
}

/// Kept alive by those who use it: from then on, the vault has the newest.
struct Known {
    consent: Weak<Consent>,
    refreshing: Refreshing,
    source: Weak<TokenSource>,
}

impl Consents {
    /// What has tokens for the consent in the secret `name`: the same as long as somebody has it and
    /// it asks in the same way, else one that `make` makes.
    ///
    /// # Errors
    /// When the secret cannot be had or has no refresh token, or nothing can be made of it.
    pub fn source(
        &self,
        secrets: &Secrets,
        name: &SecretName,
        refreshing: Refreshing,
        make: impl FnOnce(&Arc<Consent>) -> anyhow::Result<Arc<TokenSource>>,
    ) -> anyhow::Result<Arc<TokenSource>> {
        let mut known = self.known();
        known.retain(|_, it| it.consent.strong_count() > 0);
        let (consent, source) = match known.get(name) {
            Some(it) if it.refreshing == refreshing => (it.consent.upgrade(), it.source.upgrade()),
            Some(it) => (it.consent.upgrade(), None),
            None => (None, None),
        };
        if let Some(source) = source {
            return Ok(source);
        }
        let consent = match consent {
            Some(consent) => consent,
            // Read now, and not before: whoever had it until now may just have written it.
            None => Arc::new(open(secrets, name)?),
        };
        let source = make(&consent)?;
        let (consent, weak) = (Arc::downgrade(&consent), Arc::downgrade(&source));
        known.insert(name.clone(), Known { consent, refreshing, source: weak });
        Ok(source)
    }

    /// Waits for requests that are under way, so that what they bring is stored, and stores what
    /// could not be. From then on, nothing is asked.
    pub async fn settle(&self) {
        let consents: Vec<_> =
            self.known().iter().map(|(name, it)| (name.clone(), it.consent.clone())).collect();
        let settling = consents.into_iter().map(|(name, consent)| async move {
            let Some(consent) = consent.upgrade() else { return };
            if let Err(error) = consent.settle().await {
                tracing::error!(credential = %name.credential, %error, "{LOST}");
            }
        });
        join_all(settling).await;
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SecretName, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(secrets: &Secrets, name: &SecretName) -> anyhow::Result<Consent> {
    let secret = secrets.reveal(name)?;
    // The error of the parser would show what it could not parse.
    let mut members: BTreeMap<String, Zeroizing<String>> = serde_json::from_slice(&secret)
        .map_err(|_| anyhow::anyhow!("the secret is not an object of texts"))?;
    // In lower case where it was given, and not where we wrote it before.
    let member = members.keys().find(|it| it.eq_ignore_ascii_case(REFRESH)).cloned();
    let member = member.context("no value for refreshToken")?;
    let token = members.remove(&member).context("no value for refreshToken")?;
    let (secrets, name) = (secrets.clone(), name.clone());
    // Some servers give a new refresh token with each access token, and forget the old one: the next
    // start must find the new one (RFC 6749 §6).
    let store = move |new: &str| {
        let others = members.iter().map(|(member, value)| (member.as_str(), value.as_str()));
        let whole: BTreeMap<_, _> = others.chain([(REFRESH, new)]).collect();
        let text = Zeroizing::new(serde_json::to_string(&whole)?);
        match secrets.rewrite(&name, &text) {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::info!(credential = %name.credential, "{FORGOTTEN}");
                Ok(())
            }
            Err(error) => {
                tracing::error!(credential = %name.credential, %error, "{UNSTORED}");
                Err(error)
            }
        }
    };
    Ok(Consent::new(token.as_str(), store)?)
}

const REFRESH: &str = "refreshToken";
const FORGOTTEN: &str = "a refresh token came for a secret that is gone, and is not stored";
const UNSTORED: &str = "a refresh token is not stored yet";
const LOST: &str = "a refresh token is lost with the end of this process";

impl fmt::Debug for Consents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consents").field("known", &self.known().len()).finish()
    }
}
