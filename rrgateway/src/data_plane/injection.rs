//! Makes of a target credential what is injected, with the secret out of the vault.

use std::collections::HashMap;

use anyhow::Context as _;
use http::HeaderName;
use rrauth::Injection;
use rrcore::{Code, Now, Refusal};
use zeroize::Zeroizing;

use crate::data_plane::secrets::Secrets;
use crate::model::{Presentation, TargetCredential};

/// What is injected for `credential`.
///
/// A credential that cannot be had costs its own proxies 503, not the whole revision: the others
/// have to go on.
pub fn of(credential: &TargetCredential, secrets: &Secrets) -> Injection {
    if !credential.active {
        return Injection::unavailable("the target credential is switched off");
    }
    open(credential, secrets).unwrap_or_else(|error| {
        tracing::error!(secret = ?credential.secret, %error, "a target credential is unusable");
        Injection::unavailable(error.to_string())
    })
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

fn open(credential: &TargetCredential, secrets: &Secrets) -> anyhow::Result<Injection> {
    let reveal = || {
        let name = credential.secret.as_ref().context("the credential names no secret")?;
        secrets.reveal(name)
    };
    Ok(match &credential.present {
        Presentation::None => Injection::none(),
        Presentation::Header { name, prefix } => {
            Injection::header(name.clone(), prefix, std::str::from_utf8(&reveal()?)?)?
        }
        Presentation::Query { name } => Injection::query(name, std::str::from_utf8(&reveal()?)?)?,
        Presentation::Basic { username } => {
            Injection::basic(username, std::str::from_utf8(&reveal()?)?)?
        }
        Presentation::Headers { names } => headers(names, &reveal()?)?,
    })
}

fn headers(names: &[HeaderName], secret: &[u8]) -> anyhow::Result<Injection> {
    // The error of the parser would show what it could not parse.
    let values: HashMap<String, Zeroizing<String>> = serde_json::from_slice(secret)
        .map_err(|_| anyhow::anyhow!("the secret is not an object of headers"))?;
    let value = |name: &HeaderName| {
        let found = values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_str()));
        found.map(|(_, value)| value.as_str()).with_context(|| format!("no value for {name}"))
    };
    let headers: anyhow::Result<Vec<_>> =
        names.iter().map(|name| Ok((name.clone(), value(name)?))).collect();
    Ok(Injection::headers(headers?)?)
}
