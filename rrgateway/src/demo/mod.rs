//! The demonstration: a gateway that configures itself through its own Core API, an upstream to
//! call, and one request for each outcome.

mod api;
mod caller;
mod echo;
mod outcome;
mod page;
mod sample;
mod scene;
mod session;

pub use self::echo::{Echo, Received};
pub use self::outcome::Row;
pub use self::scene::Demonstration;
pub use self::session::Session;
