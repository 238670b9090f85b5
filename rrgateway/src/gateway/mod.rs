//! The composition root: both planes in one process, with their listeners.

mod builder;
mod files;
mod running;

pub use self::builder::GatewayBuilder;
pub use self::running::Gateway;
