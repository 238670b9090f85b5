//! How often a client may fail to authenticate.

use std::sync::Arc;
use std::time::Duration;

use rrcore::{ClientAddress, Now};

/// Limits failed authentications per client, before the work of checking is done.
///
/// Asked only where the request's [`Context`](rrcore::Context) knows the client's address. What
/// counts as a failure: a credential that was shown and is wrong. Showing none is not, and neither is
/// one that has expired or that nobody can check now.
pub trait FailureLimit: Send + Sync {
    /// Whether a client at this address may try at all.
    ///
    /// # Errors
    /// After how long it may try again, where it may not now.
    fn admit(&self, client: ClientAddress, now: Now) -> Result<(), Duration>;

    /// A client at this address has shown a wrong credential.
    fn failed(&self, client: ClientAddress, now: Now);
}

impl<F: FailureLimit + ?Sized> FailureLimit for Arc<F> {
    fn admit(&self, client: ClientAddress, now: Now) -> Result<(), Duration> {
        (**self).admit(client, now)
    }

    fn failed(&self, client: ClientAddress, now: Now) {
        (**self).failed(client, now);
    }
}
