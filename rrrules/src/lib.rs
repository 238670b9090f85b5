#![doc = include_str!("../README.md")]

mod header;
mod layer;
mod path;
mod path_error;
mod pattern;
mod policy;
mod query;
mod query_check;
mod rule;
mod rule_set;
mod segment;
mod service;
mod subject;
#[cfg(feature = "validation")]
mod validation;

pub use crate::header::{HeaderCheck, NameMatch};
pub use crate::layer::RulesLayer;
pub use crate::path::CanonicalPath;
pub use crate::path_error::{PathError, PathErrorKind};
pub use crate::pattern::{Pattern, PatternError, Presence};
pub use crate::query_check::{QueryCheck, QueryName};
pub use crate::rule::{Effect, Rule};
pub use crate::rule_set::{DecidingRule, InvalidRuleSet, RuleSet, Verdict};
pub use crate::service::Rules;
pub use crate::subject::Subject;
#[cfg(feature = "validation")]
pub use crate::validation::{
    Invalid, InvalidSchema, MAX_VIOLATIONS, OpenApi, RequestParts, Validator, Violation,
};
