//! The grants that need nobody at a browser.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use rrcore::Now;
use zeroize::Zeroizing;

use crate::oauth2::answer;
use crate::oauth2::grant::{Obtain, Obtained};
use crate::oauth2::registered::Registered;

/// Tokens for the client itself (RFC 6749 §4.4).
pub(crate) struct ClientCredentials(pub(crate) Registered);

impl Obtain for ClientCredentials {
    fn request(&self) -> Request<Bytes> {
        let Registered { scope, audience, .. } = &self.0;
        let mut pairs = vec![("grant_type", "client_credentials")];
        if !scope.is_empty() {
            pairs.push(("scope", scope));
        }
        if let Some(audience) = audience {
            pairs.push(("audience", audience));
        }
        self.0.request(&pairs)
    }

    fn read(&self, answer: &Response<Bytes>, _: Now) -> Result<Obtained, String> {
        let issued = answer::issued(answer)?;
        Ok(Obtained { token: issued.access, life: issued.life })
    }
}

/// Tokens for whoever allowed it once (RFC 6749 §6).
pub(crate) struct Refresh {
    client: Registered,
    // Held for a moment, by the one refresh that is under way.
    token: Mutex<Zeroizing<String>>,
    rotated: Box<dyn Fn(&str) + Send + Sync>,
}

impl Refresh {
    pub(crate) fn new(
        client: Registered,
        token: Zeroizing<String>,
        rotated: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        Self { client, token: Mutex::new(token), rotated: Box::new(rotated) }
    }
}

impl Obtain for Refresh {
    fn request(&self) -> Request<Bytes> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // No scope: the same as before (RFC 6749 §6).
        self.client.request(&[("grant_type", "refresh_token"), ("refresh_token", &token)])
    }

    fn read(&self, answer: &Response<Bytes>, _: Now) -> Result<Obtained, String> {
        if let Some(new) = answer::rotated(answer) {
            let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
            if *token != new {
                token.clone_from(&new);
                drop(token);
                (self.rotated)(&new);
            }
        }
        let issued = answer::issued(answer)?;
        Ok(Obtained { token: issued.access, life: issued.life })
    }
}
