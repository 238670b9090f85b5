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
mod transform;

#[doc = include_str!("../docs/transforming.md")]
pub mod transforming {}

pub use crate::apply::{Filtered, NotFilterable, apply};
pub use crate::filter::{Filter, FilterSet, InvalidFilter, Operation};
pub use crate::future::FilterFuture;
pub use crate::layer::FilterLayer;
pub use crate::service::Filters;
pub use crate::transform::{
    BodyStep, BodyTransform, Duplicates, HeaderEdits, InvalidTransform, JsonPointer, JsonTemplate,
    NotTransformable, PatchOperation, PathRewrite, QueryEdits, QueryNormalisation,
    RequestTransform, ResponseTransform, Rewrite, Template, Transform, TransformFuture,
    TransformLayer, Transforms, Values,
};

/// The page [`transforming`] in Markdown, for whoever shows it elsewhere.
pub const TRANSFORMING: &str = include_str!("../docs/transforming.md");
