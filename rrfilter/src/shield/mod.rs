//! Keeps the secrets that went upstream with a request from coming back in its response.

mod body;
mod coded;
mod escape;
mod factors;
mod form;
mod frames;
mod future;
mod head;
mod hold;
mod layer;
mod leads;
mod masker;
mod masking;
mod opening;
mod part;
mod pattern;
mod row;
mod run;
mod service;
mod units;

#[cfg(test)]
mod tests;

pub use self::body::ShieldedBody;
pub use self::frames::{BrokenFrames, FrameShield};
pub use self::future::ShieldFuture;
pub use self::layer::EchoShieldLayer;
pub use self::pattern::too_short;
pub use self::service::EchoShield;

use self::masker::Masker;
#[cfg(test)]
use self::pattern::Pattern;
use self::pattern::Patterns;
