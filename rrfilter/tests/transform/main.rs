//! What transformations make of messages.
#![cfg(test)]

mod bodies;
mod forms;
mod heads;
mod layer;
mod limits;
mod page;
mod patches;
mod properties;
mod routes;
mod support;
mod templates;
mod wire;
#[cfg(feature = "xml")]
mod xml;
