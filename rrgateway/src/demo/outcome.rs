//! What came of the requests.

use serde_json::Value;

use crate::demo::echo::Received;

/// One outcome.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub outcome: &'static str,
    /// What was sent.
    pub request: String,
    /// What was expected.
    pub expected: u16,
    /// What was answered.
    pub status: u16,
    /// The stage that refused.
    pub stage: Option<String>,
    /// The code, or `proxy-access-granted`.
    pub code: String,
    /// Whether the upstream received the request.
    pub reached: bool,
    /// How many values the filters took out of the response.
    pub removed: Option<u64>,
}

/// The request that was relayed, from the upstream's side.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    pub received: Received,
    pub is_injected: bool,
    pub is_caller_key_gone: bool,
    pub sent: Value,
    pub relayed: Value,
}
