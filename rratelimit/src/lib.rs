#![doc = include_str!("../README.md")]

mod admission;
mod answer;
mod asked;
mod body;
mod bucket;
mod calendar;
mod capacity;
mod charge;
mod counter;
mod decision;
mod field;
mod future;
mod key;
mod layer;
mod limiter;
#[cfg(feature = "meter")]
mod meter;
mod per;
mod permit;
mod policy;
mod quota;
#[cfg(feature = "redis")]
mod redis;
mod service;
mod settings;
mod shard;
mod sliding;
mod snapshot;
mod spent;
mod store;
mod sync;
mod table;
mod take;
mod threshold;
mod time;
mod told;
mod window;

pub use crate::admission::Admission;
pub use crate::body::LimitedBody;
pub use crate::capacity::OnCapacity;
pub use crate::charge::{Charge, Receipt};
pub use crate::decision::{Decision, LimitStanding, Standing};
pub use crate::future::RateLimitFuture;
pub use crate::key::{AlreadySeeded, Key, Seed};
pub use crate::layer::RateLimitLayer;
pub use crate::limiter::{Limiter, Usage};
#[cfg(feature = "meter")]
pub use crate::meter::{
    Estimate, Extraction, Meter, MeterFuture, MeterLayer, Metered, MeteredBody, Tokens,
};
pub use crate::per::Per;
pub use crate::permit::Permit;
pub use crate::policy::{InvalidPolicy, Limit, Policy, StoreFailure};
pub use crate::quota::Quota;
#[cfg(feature = "redis")]
pub use crate::redis::{
    Asking, BreakerState, RedisStore, RedisStoreBuilder, StartError, StoreState, StoreTrouble,
};
pub use crate::service::RateLimit;
pub use crate::snapshot::Record;
pub use crate::store::{Never, Store, Taking, Unavailable};
pub use crate::threshold::{Crossing, Threshold};
pub use crate::window::Window;
