#![doc = include_str!("../README.md")]
// The docs link to all there is, of which only part is built without some feature. With every feature, as
// docs.rs and `./check` build them, a link that leads nowhere is an error.
#![cfg_attr(
    not(all(feature = "graphql", feature = "validation")),
    allow(rustdoc::broken_intra_doc_links, reason = "they lead to what features bring")
)]

mod admit;
mod body;
mod body_service;
mod comparable;
mod compiled;
mod diff;
mod escape;
mod finding;
mod gates;
mod header;
mod header_names;
mod index;
mod json;
mod layer;
mod letters;
mod lint;
mod literal;
mod methods;
mod one_line;
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
mod short;
mod small;
mod steps;
mod subject;
#[cfg(feature = "validation")]
mod validation;
mod verdict;
mod withheld;

#[doc = include_str!("../docs/writing-rules.md")]
pub mod writing_rules {}

pub use crate::body::BodyCheck;
pub use crate::body_service::{BodyRules, BodyRulesFuture};
pub use crate::diff::{
    Cause, Counts, Described, LineError, LineForm, Lines, Outcome, Scopes, diff,
};
pub use crate::finding::Criterion;
pub use crate::header::{HeaderCheck, NameMatch};
pub use crate::json::JsonError;
pub use crate::layer::{BodyRulesLayer, Explained, RulesLayer};
pub use crate::lint::{Warning, WarningKind};
pub use crate::path::CanonicalPath;
pub use crate::path_error::{PathError, PathErrorKind};
pub use crate::path_options::{DuplicateSlashes, EncodedPercent, EncodedSlash, PathOptions};
pub use crate::pattern::{Pattern, PatternError, Presence};
pub use crate::query_check::{QueryCheck, QueryName};
pub use crate::rule::{Effect, Mode, Rule};
pub use crate::rule_set::{InvalidRuleSet, RuleSet};
pub use crate::service::Rules;
pub use crate::subject::Subject;
#[cfg(feature = "validation")]
pub use crate::validation::{
    Invalid, InvalidSchema, MAX_VIOLATIONS, OpenApi, RequestParts, Shadowed, Validate,
    ValidateFuture, ValidateLayer, Validator, Violation,
};
pub use crate::verdict::{DecidingRule, Explanation, RuleOutcome, RuleTrace, Shadow, Verdict};
pub use crate::withheld::Withheld;

/// The page [`writing_rules`] in Markdown, for whoever shows it elsewhere.
pub const WRITING_RULES: &str = include_str!("../docs/writing-rules.md");
