#![doc = include_str!("../README.md")]
#![cfg_attr(
    feature = "data-plane",
    expect(
        unreachable_pub,
        reason = "the surface is what modules re-export; inside them `pub` means `for the others`"
    )
)]

#[cfg(all(feature = "control-plane", feature = "data-plane"))]
pub mod cli;
#[cfg(feature = "control-plane")]
pub mod control_plane;
#[cfg(feature = "data-plane")]
pub mod data_plane;
#[cfg(all(feature = "control-plane", feature = "data-plane"))]
pub mod demo;
#[cfg(all(feature = "control-plane", feature = "data-plane"))]
pub mod gateway;
pub mod listen;
pub mod model;
#[cfg(all(feature = "control-plane", feature = "data-plane"))]
pub mod settings;
pub mod telemetry;

#[cfg(all(feature = "control-plane", feature = "data-plane"))]
pub use crate::gateway::{Gateway, GatewayBuilder};

/// The front page's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct FrontPage;
