#![doc = include_str!("../README.md")]

mod apply;
mod engine;
mod filter;
mod future;
mod head;
mod job;
mod layer;
mod paths;
mod policy;
mod service;
mod shield;

pub use crate::apply::{Filtered, NotFilterable, apply};
pub use crate::filter::{Filter, FilterSet, InvalidFilter, Operation};
pub use crate::future::FilterFuture;
pub use crate::layer::FilterLayer;
pub use crate::service::Filters;
pub use crate::shield::too_short;
