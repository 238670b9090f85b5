//! The data plane's listener with TLS: real handshakes on loopback, and what must not get through
//! one.

#![cfg(test)]

mod callers;
mod faults;
mod handshake;
mod reload;
mod start;
mod world;
