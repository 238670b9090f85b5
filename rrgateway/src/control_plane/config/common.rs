//! What all proxies of a client share.

use std::sync::Arc;

use http::StatusCode;
use rratelimit::Policy;

use crate::control_plane::config::resource::digest;
use crate::model::{Callers, Digest};

/// What all proxies of the client share.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    /// Of the callers, and of how often a client address may fail.
    pub(crate) digest: Digest,
    pub(crate) callers: Arc<Callers>,
    /// How often a client address may show a wrong credential.
    pub(crate) failures: Option<Arc<Policy>>,
    /// The same where passwords are accepted.
    pub(crate) failures_with_passwords: Option<Arc<Policy>>,
    /// What a request is answered with that rules deny.
    pub(crate) rule_deny_status: StatusCode,
}

impl Common {
    /// What holds besides for `callers`.
    pub(crate) fn new(
        callers: Arc<Callers>,
        [failures, failures_with_passwords]: [Option<Arc<Policy>>; 2],
        rule_deny_status: StatusCode,
    ) -> Self {
        let said = format!("{:?}", [&failures, &failures_with_passwords]);
        let digest = digest([callers.digest.0.as_slice(), said.as_bytes()]);
        Self { digest, callers, failures, failures_with_passwords, rule_deny_status }
    }
}
