//! Filters over what goes to the upstream.

mod check;
mod future;
mod layer;
mod service;

pub use self::future::RequestFilterFuture;
pub use self::layer::RequestFilterLayer;
pub use self::service::RequestFilters;
