//! What all proxies of a client share.

use std::sync::Arc;

use http::StatusCode;
use rratelimit::Policy;

use crate::model::Callers;

/// What all proxies of the client share.
pub(crate) struct Common {
    pub(crate) callers: Arc<Callers>,
    /// How often a client address may show a wrong credential.
    pub(crate) failures: Option<Arc<Policy>>,
    /// The same where passwords are accepted.
    pub(crate) failures_with_passwords: Option<Arc<Policy>>,
    /// What a request is answered with that rules deny.
    pub(crate) rule_deny_status: StatusCode,
}

impl Common {
    /// Of how often a client address may fail, for digests.
    pub(crate) fn failures_per_minute(&self) -> Vec<u8> {
        let said = [&self.failures, &self.failures_with_passwords];
        format!("{said:?}").into_bytes()
    }
}
