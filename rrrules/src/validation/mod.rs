//! Whether requests have the right shape, by a JSON Schema or an OpenAPI document.

mod content;
mod detail;
mod document;
mod invalid_schema;
mod kinds;
mod layer;
mod layout;
mod media;
mod node;
mod operation;
mod parameter;
mod place;
mod reference;
mod schemas;
mod service;
mod shadow;
mod text;
mod translate;
mod validator;
mod verdict;
mod violation;

pub use self::document::OpenApi;
pub use self::invalid_schema::InvalidSchema;
pub use self::layer::ValidateLayer;
pub use self::service::{Validate, ValidateFuture};
pub use self::shadow::Shadowed;
pub use self::validator::{RequestParts, Validator};
pub use self::violation::{Invalid, MAX_VIOLATIONS, Violation};
