#![doc = include_str!("../README.md")]

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "rules ask it next"))]
mod body;
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

pub use crate::body::BodyCheck;
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
