//! The keys of one issuer, fetched.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use rrcore::Now;

use crate::client::http_client::HttpClient;
use crate::jwt::key_set::JwkSet;
use crate::remote::endpoint::InvalidEndpoint;
use crate::remote::freshness::Freshness;
use crate::remote::handle::{Reading, Remote, RemoteState};

/// The key set of one issuer, as it publishes it (JWKS, RFC 7517 §5). A handle: clones share it.
///
/// Issuers share nothing: one whose server stalls, or whose set is refused, costs no other's tokens.
/// A set is refused whole, and the old one kept, when it is larger than 64 KiB, has more than 32 keys
/// or none that can be used; a single key that cannot be used is left out, and symmetric ones are.
#[derive(Clone)]
pub struct RemoteKeys {
    pub(crate) remote: Arc<Remote<JwkSet>>,
}

impl RemoteKeys {
    /// The keys at `url`. Nothing is fetched yet.
    ///
    /// # Errors
    /// When `url` is not an absolute one of `https`, or of `http` where
    /// [`allow_plaintext`](Freshness::allow_plaintext) says so.
    pub fn new(
        client: Arc<dyn HttpClient>,
        url: Uri,
        freshness: Freshness,
    ) -> Result<Self, InvalidEndpoint> {
        let remote = Remote::new(client, url, freshness, JwkSet::parse_public)?;
        Ok(Self { remote: Arc::new(remote) })
    }

    /// Begins to fetch the keys if it is time, so that the first token need not wait. Must be called on
    /// a tokio runtime; waits for nothing.
    pub fn prefetch(&self, now: Now) {
        // What is known already is what `state` tells.
        let _ = self.remote.read(now, |_| ());
    }

    /// How they are, for the operator.
    #[must_use]
    pub fn state(&self, now: Now) -> RemoteState {
        self.remote.state(now)
    }

    /// The set that is held, to show the operator; `None`: none, or too old a one.
    #[must_use]
    pub fn held(&self, now: Now) -> Option<JwkSet> {
        match self.remote.read(now, |keys| JwkSet::clone(keys)) {
            Reading::Ready(keys) => Some(keys),
            Reading::Pending(_) | Reading::Unavailable(_) => None,
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteKeys").field(&self.remote).finish()
    }
}
