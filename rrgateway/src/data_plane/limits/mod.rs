//! How often, and how much: what a proxy is held to, what was spent of it, and where that is kept.

mod config;
mod counted;
mod counts;
mod file;
mod keeper;
mod key;
mod ledger;
mod measures;
mod names;
mod notices;
mod read_ahead;
mod rolls;
mod room;
mod standing;
mod started;

pub use self::config::{LimitsConfig, OnStoreFailure, StoreMode, StoreUrl, WhenFull};
pub use self::counts::Counts;
pub use self::keeper::{Keeper, Kept};
pub use self::ledger::Ledger;
pub use self::measures::{Counting, Measures};
pub use self::read_ahead::{MOST_BYTES, ReadAheadLayer};
pub use self::started::Started;
