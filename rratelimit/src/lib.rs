#![doc = include_str!("../README.md")]

mod answer;
mod counter;
mod decision;
mod field;
mod future;
mod key;
mod layer;
mod limiter;
#[cfg(feature = "meter")]
mod meter;
mod policy;
mod service;
mod shard;
mod spent;
mod time;

pub use crate::decision::{Decision, LimitStanding, Standing};
pub use crate::future::RateLimitFuture;
pub use crate::key::Key;
pub use crate::layer::RateLimitLayer;
pub use crate::limiter::Limiter;
pub use crate::policy::{InvalidPolicy, Limit, Policy, Window};
pub use crate::service::RateLimit;
