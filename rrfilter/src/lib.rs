#![doc = include_str!("../README.md")]

mod apply;
mod body;
mod chain;
mod engine;
mod fault;
mod filter;
mod flow;
mod future;
mod head;
mod hold;
mod job;
mod layer;
mod paths;
mod policy;
mod request;
mod service;
mod shield;
mod stream;
mod terms;
mod watch;
mod work;

pub use crate::apply::{Filtered, NotFilterable, apply};
pub use crate::body::FilteredBody;
pub use crate::chain::{Chain, Report};
pub use crate::fault::BodyError;
pub use crate::filter::{Filter, FilterSet, InvalidFilter, Operation};
pub use crate::future::FilterFuture;
pub use crate::layer::FilterLayer;
pub use crate::request::{RequestFilterFuture, RequestFilterLayer, RequestFilters};
pub use crate::service::Filters;
pub use crate::shield::{
    BrokenFrames, EchoShield, EchoShieldLayer, FrameShield, ShieldFuture, ShieldedBody, too_short,
};
pub use crate::terms::{Asked, Mode, Side};
