//! How the gateway counts, as an operator says it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rratelimit::{OnCapacity, StoreFailure};
use serde::{Deserialize, Deserializer};

/// Where and how is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// The store that gateways share; `None`: each counts for itself.
    pub store: Option<StoreUrl>,
    /// How the store is asked.
    pub mode: StoreMode,
    /// Units that are leased at a time.
    pub slice: u64,
    /// How long an answer of the store is waited for.
    pub timeout: Duration,
    /// What holds when it does not answer, where a limit does not say.
    pub on_store_failure: OnStoreFailure,
    /// How many keys are remembered.
    pub max_keys: usize,
    /// What becomes of keys for which there is no room.
    pub on_capacity: WhenFull,
}

/// Where a store is. May have a password in it, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

/// How a shared store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// For each request.
    Exact,
    /// For slices, by which is decided here.
    Leases,
}

/// What holds when the store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnStoreFailure(pub StoreFailure);

/// What becomes of a key for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhenFull(pub OnCapacity);

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            store: None,
            mode: StoreMode::Exact,
            slice: 100,
            timeout: Duration::from_millis(20),
            on_store_failure: OnStoreFailure(StoreFailure::LeaseThenShare),
            max_keys: 1_000_000,
            on_capacity: WhenFull(OnCapacity::ShareOne),
        }
    }
}

impl StoreUrl {
    /// The URL, with whatever is in it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same, if it can be the URL of a store.
    ///
    /// # Errors
    /// What was expected.
    pub fn checked(self) -> Result<Self, &'static str> {
        match self.0.split_once("://") {
            Some(("redis" | "redis+unix" | "redis-cluster", rest)) if !rest.is_empty() => Ok(self),
            Some(_) | None => Err("expected redis://…, redis-cluster://… or redis+unix://…"),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = &'static str;

    // Whoever says what is wrong with a value as it is read shows it: this is checked afterwards.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for StoreMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "exact" => Ok(Self::Exact),
            "leases" => Ok(Self::Leases),
            _ => Err("the mode is exact or leases"),
        }
    }
}

impl FromStr for OnStoreFailure {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "lease-then-share" => Ok(Self(StoreFailure::LeaseThenShare)),
            "allow" => Ok(Self(StoreFailure::Allow)),
            "deny" => Ok(Self(StoreFailure::Deny)),
            _ => Err("expected lease-then-share, allow or deny"),
        }
    }
}

impl FromStr for WhenFull {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "shareOne" => Ok(Self(OnCapacity::ShareOne)),
            "refuse" => Ok(Self(OnCapacity::Refuse)),
            _ => Err("expected shareOne or refuse"),
        }
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        worded(deserializer)
    }
}

impl<'de> Deserialize<'de> for StoreMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        worded(deserializer)
    }
}

impl<'de> Deserialize<'de> for OnStoreFailure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        worded(deserializer)
    }
}

impl<'de> Deserialize<'de> for WhenFull {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        worded(deserializer)
    }
}

fn worded<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = &'static str>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreUrl(..)")
    }
}
