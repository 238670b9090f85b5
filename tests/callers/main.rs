//! Every way in which callers can show who they are, at a whole gateway over real sockets.

#![cfg(test)]

mod bound;
mod fetched;
mod introspected;
mod issuer;
mod passwords;
mod places;
mod rotation;
mod signed;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod world;
