//! The grants that need nobody at a browser.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use rrcore::Now;

use crate::oauth2::answer;
use crate::oauth2::consent::Consent;
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
    pub(crate) client: Registered,
    pub(crate) consent: Arc<Consent>,
}

impl Obtain for Refresh {
    fn request(&self) -> Request<Bytes> {
        let token = self.consent.newest();
        // No scope: the same as before (RFC 6749 §6).
        self.client.request(&[("grant_type", "refresh_token"), ("refresh_token", &token)])
    }

    fn read(&self, answer: &Response<Bytes>, _: Now) -> Result<Obtained, String> {
        if let Some(new) = answer::rotated(answer) {
            self.consent.replace(&new);
        }
        let issued = answer::issued(answer)?;
        Ok(Obtained { token: issued.access, life: issued.life })
    }

    fn consent(&self) -> Option<&Arc<Consent>> {
        Some(&self.consent)
    }
}
