//! Counts that several processes share, in Redis or Valkey.

mod answer;
mod ask;
mod breaker;
mod builder;
mod connection;
mod counters;
mod debts;
mod fallback;
mod leases;
mod link;
mod local;
mod lock;
mod look;
mod names;
mod origin;
mod outbox;
mod owner;
mod released;
mod request;
mod script;
mod shared;
mod shares;
mod store;
mod terms;
mod trouble;
mod untold;
mod update;
mod worker;

pub use self::breaker::BreakerState;
pub use self::builder::{RedisStoreBuilder, StartError};
pub use self::counters::StoreState;
pub use self::store::{Asking, RedisStore};
pub use self::trouble::StoreTrouble;
