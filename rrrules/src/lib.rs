#![doc = include_str!("../README.md")]

mod header;
mod layer;
mod path;
mod path_error;
mod pattern;
mod policy;
mod rule;
mod rule_set;
mod segment;
mod service;

pub use crate::header::{HeaderCheck, NameMatch};
pub use crate::layer::RulesLayer;
pub use crate::path::CanonicalPath;
pub use crate::path_error::{PathError, PathErrorKind};
pub use crate::pattern::{Pattern, PatternError, Presence};
pub use crate::rule::{Effect, Rule, Subject};
pub use crate::rule_set::{DecidingRule, InvalidRuleSet, RuleSet, Verdict};
pub use crate::service::Rules;
