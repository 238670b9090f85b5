//! The layer over upstreams of every kind.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contract;
mod filtered;
mod support;
mod withheld;
