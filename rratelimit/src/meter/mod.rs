//! Meters: what responses cost, counted while they pass.

mod events;
mod number;
mod paths;
mod seek;
mod words;
