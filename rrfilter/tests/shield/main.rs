//! The echo shield over upstreams that send back what they were sent.
#![cfg(test)]

mod coded;
mod contract;
mod echo;
#[path = "../../src/shield/tests/encodings.rs"]
mod encodings;
mod support;
