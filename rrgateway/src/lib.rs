#![doc = include_str!("../README.md")]
#![expect(
    unreachable_pub,
    reason = "the surface is what the modules re-export; inside them `pub` means `for the others`"
)]

pub mod cli;
pub mod control_plane;
pub mod data_plane;
pub mod demo;
pub mod gateway;
pub mod listen;
pub mod model;
pub mod settings;
pub mod telemetry;

pub use crate::gateway::{Gateway, GatewayBuilder};

/// The front page's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct FrontPage;
