//! What transformations make of messages.
#![cfg(test)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bodies;
mod forms;
mod heads;
mod layer;
mod limits;
mod patches;
mod properties;
mod routes;
mod support;
mod templates;
#[cfg(feature = "xml")]
mod xml;
