//! The layer over upstreams of every kind.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod any;
mod contract;
mod filtered;
mod records;
mod streamed;
mod support;
mod terms;
mod withheld;
