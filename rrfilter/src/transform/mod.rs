//! Changes to requests and responses, and to paths and queries before anybody looks at them.

mod body;
mod error;
mod exchange;
mod fault;
mod form;
mod future;
mod headers;
mod json;
mod layer;
mod media;
mod message;
mod names;
mod normalise;
mod pairs;
mod policy;
mod query;
mod request;
mod response;
mod rewrite;
mod service;
mod sources;
mod step;
mod template;
mod values;
mod variable;
mod wire;
#[cfg(feature = "xml")]
mod xml;

pub use self::body::BodyTransform;
pub use self::error::InvalidTransform;
pub use self::fault::NotTransformable;
pub use self::future::TransformFuture;
pub use self::headers::HeaderEdits;
pub use self::json::{JsonPointer, JsonTemplate, PatchOperation};
pub use self::layer::TransformLayer;
pub use self::message::{RequestTransform, ResponseTransform, Transform};
pub use self::normalise::{Duplicates, QueryNormalisation};
pub use self::query::QueryEdits;
pub use self::rewrite::{PathRewrite, Rewrite};
pub use self::service::Transforms;
pub use self::step::BodyStep;
pub use self::template::Template;
pub use self::values::Values;
