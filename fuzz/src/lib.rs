//! What must hold for any bytes: one function `check` for each fuzz target.

pub mod authorization;
pub mod body_walker;
pub mod canonical_path;
pub mod decoders;
pub mod evaluator;
pub mod filter;
pub mod jsonpath;
pub mod jwks;
pub mod jwt;
pub mod meter;
pub mod rule_parser;
pub mod shield;
pub mod transform;
pub mod vault_record;

#[path = "../../rrrules/tests/model/reference.rs"]
mod reference;
#[path = "../../rrrules/tests/model/rules.rs"]
mod rules;
