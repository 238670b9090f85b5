#![doc = include_str!("../README.md")]

mod escape;
mod header;
mod layer;
mod path;
mod path_error;
mod path_options;
mod pattern;
mod policy;
mod query;
mod query_check;
mod reading;
mod rule;
mod rule_set;
mod segment;
mod service;
mod subject;

pub use crate::header::{HeaderCheck, NameMatch};
pub use crate::layer::RulesLayer;
pub use crate::path::CanonicalPath;
pub use crate::path_error::{PathError, PathErrorKind};
pub use crate::path_options::{DuplicateSlashes, EncodedPercent, EncodedSlash, PathOptions};
pub use crate::pattern::{Pattern, PatternError, Presence};
pub use crate::query_check::{QueryCheck, QueryName};
pub use crate::rule::{Effect, Rule};
pub use crate::rule_set::{DecidingRule, InvalidRuleSet, RuleSet, Verdict};
pub use crate::service::Rules;
pub use crate::subject::Subject;
