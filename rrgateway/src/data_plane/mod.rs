//! Serves traffic from the last revision it accepted; never changes configuration, and never
//! waits for whoever does.
//!
//! To follow a request, read `pipeline.rs` from top to bottom.

mod answer;
mod body;
mod builder;
mod callers;
mod edge;
mod exchange;
mod explain;
mod guesses;
mod hygiene;
mod injection;
mod layers;
mod limits;
mod matched;
mod outcalls;
mod pipeline;
mod plane;
mod record;
mod route;
mod route_table;
mod router;
mod secrets;
mod stack;
mod tally;
mod tenure;
mod tunnel;
mod upstream;
mod vitals;

pub use self::limits::{LimitsConfig, OnStoreFailure, StoreMode, StoreUrl, WhenFull};
pub use self::plane::{DataPlane, DataPlaneConfig};
pub use self::secrets::{KeySource, KeySources, Secrets};
