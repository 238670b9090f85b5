//! What the schema of a kind of resource is made of.

use serde_json::Value;

/// The members that must be there, all members there are, and an example.
pub(crate) type Shape = (&'static [&'static str], Value, Value);
