//! Meters: what responses cost, counted while they pass.

mod account;
mod ask;
mod body;
mod counting;
mod definition;
mod estimate;
mod events;
mod extraction;
mod future;
mod layer;
mod number;
mod paths;
mod plan;
mod reading;
mod seek;
mod service;
mod tally;
mod words;

#[cfg(test)]
mod tests;

pub use self::body::MeteredBody;
pub use self::definition::Meter;
pub use self::estimate::Estimate;
pub use self::extraction::{Extraction, Tokens};
pub use self::future::MeterFuture;
pub use self::layer::MeterLayer;
pub use self::service::Metered;
