//! Changes the configuration, and never serves traffic.

mod api;
mod config;
// For the command, which comes with both planes.
#[cfg(feature = "data-plane")]
pub(crate) mod file;
mod plane;
mod standing;
mod store;
mod wire;

pub use self::plane::{Claim, ControlPlane, ControlPlaneConfig, StartError};
