//! What was spent of limits: asked above, answered where traffic is served.

use std::sync::Arc;

/// Whoever serves, and knows what was spent.
pub trait Usage: Send + Sync + 'static {
    /// What was spent of the limits of `proxy`, or of its meter with this id, by the keys that
    /// spent most, in each window. Empty where neither is served.
    fn usage(&self, proxy: &str, meter: Option<&str>) -> Vec<Spent>;
}

/// What was spent of a limit under one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// `minute`, `hour`, `day`, `month`; `concurrency` of what runs at the same time.
    pub window: &'static str,
    /// Whose.
    pub key: Arc<str>,
    /// How much, in the window that is now.
    pub spent: u64,
    /// Of how much; `None` where there is no limit.
    pub max: Option<u64>,
    /// When all of it will count no more, in milliseconds since the Unix epoch; `None` where
    /// nothing was spent, or no time will change it.
    pub resets_at_ms: Option<i64>,
}
