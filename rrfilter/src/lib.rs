#![doc = include_str!("../README.md")]

mod apply;
mod body;
mod chain;
mod conditions;
mod engine;
mod error;
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
mod report;
mod request;
mod service;
mod shield;
mod stream;
mod terms;
mod transform;
mod watch;
mod whole;
mod work;

#[doc = include_str!("../docs/transforming.md")]
pub mod transforming {}

pub use crate::apply::{Filtered, apply};
pub use crate::body::FilteredBody;
pub use crate::chain::Chain;
pub use crate::error::NotFilterable;
pub use crate::fault::BodyError;
pub use crate::filter::{Filter, FilterSet, InvalidFilter, Operation};
pub use crate::future::FilterFuture;
pub use crate::layer::FilterLayer;
pub use crate::report::Report;
pub use crate::request::{RequestFilterFuture, RequestFilterLayer, RequestFilters};
pub use crate::service::Filters;
pub use crate::shield::{
    BrokenFrames, EchoShield, EchoShieldLayer, FrameShield, ShieldFuture, ShieldedBody, too_short,
};
pub use crate::terms::{Asked, Mode, Side};
pub use crate::transform::{
    BodyStep, BodyTransform, Duplicates, HeaderEdits, InvalidTransform, JsonPointer, JsonTemplate,
    NotTransformable, PatchOperation, PathRewrite, QueryEdits, QueryNormalisation,
    RequestTransform, ResponseTransform, Rewrite, Template, Transform, TransformFuture,
    TransformLayer, Transforms, Values,
};

/// The page [`transforming`] in Markdown, for whoever shows it elsewhere.
pub const TRANSFORMING: &str = include_str!("../docs/transforming.md");
