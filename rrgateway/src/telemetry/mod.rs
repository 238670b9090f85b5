//! What the gateway says of itself: logs, on standard error, and metrics, to who asks for them.

#[cfg(feature = "data-plane")]
mod histogram;
mod logs;
mod metrics;
mod process;
mod sheet;

#[cfg(feature = "data-plane")]
pub(crate) use self::histogram::Histogram;
pub use self::logs::{LogFormat, init};
pub use self::metrics::Metrics;
// Without a plane there is nobody else who measures.
#[cfg(any(feature = "control-plane", feature = "data-plane"))]
pub(crate) use self::sheet::{Measured, Sheet};
