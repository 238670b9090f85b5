//! What was spent of limits: asked above, answered where traffic is served.

use std::sync::Arc;

/// Whoever serves, and knows what was spent.
pub trait Usage: Send + Sync + 'static {
    /// What was spent of the limits of `proxy`, or of its meter with this id, by the keys that
    /// spent most, in each window. Empty where neither is served.
    fn usage(&self, proxy: &str, meter: Option<&str>) -> Vec<Spent>;

    /// Up to `most` of the newest things that happened to limits since the start, newest first,
    /// from before number `before` on.
    fn notices(&self, before: Option<u64>, most: usize) -> Vec<Notice>;
}

/// What happened to limits, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Grows with each, from 1 at the start.
    pub number: u64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it was.
    pub what: Noted,
}

/// What happened to limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// One has passed a threshold, under some key.
    Passed {
        /// The proxy.
        proxy: Arc<str>,
        /// Its meter; `None` for one of its own limits.
        meter: Option<Arc<str>>,
        /// The name of the limit.
        limit: Arc<str>,
        /// 80 or 100.
        percent: u8,
    },
    /// The store that gateways share has begun to answer, or has ceased to.
    Store {
        /// Which of the two.
        answers: bool,
        /// Gateways that share it, as last known.
        gateways: u64,
        /// Units that this gateway has leased and not spent.
        outstanding_leases: u64,
        /// What stands between, where it does not answer.
        reason: Option<String>,
    },
    /// There is no room for more keys, or there is again.
    Keys {
        /// Which of the two.
        is_full: bool,
        /// For how many there is room (`limits.maxKeys`).
        most: usize,
    },
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
    /// Who says so.
    pub source: Source,
}

/// Whose count it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// This gateway's own.
    Local,
    /// That of all gateways that share a store.
    Store,
}
