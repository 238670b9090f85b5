//! What a violation is called: by the schema's words, never by the message's.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

/// What an instance did wrong. Limits and the names of required members are the schema's.
pub(super) fn detail(kind: &Kind) -> String {
    match kind {
        Kind::Type { kind: TypeKind::Single(one) } => format!("must be of type {one}"),
        Kind::Type { kind: TypeKind::Multiple(types) } => {
            let names: Vec<_> = types.iter().map(|it| it.to_string()).collect();
            format!("must be of type {}", names.join(" or "))
        }
        Kind::Required { property: Value::String(name) } => {
            format!("the member {name:?} is missing")
        }
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::AdditionalItems { limit } => format!("must have at most {limit} items"),
        Kind::MinProperties { limit } => format!("must have at least {limit} members"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} members"),
        Kind::Format { format } => format!("must be of format {format}"),
        other => plain(other).to_owned(),
    }
}

const fn plain(kind: &Kind) -> &'static str {
    match kind {
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            "has a member that is not allowed"
        }
        Kind::PropertyNames { .. } => "has a member with a name that is not allowed",
        Kind::UnevaluatedItems { .. } => "has an item that is not allowed",
        Kind::Enum { .. } => "must be one of the values that are allowed",
        Kind::Constant { .. } => "must be the value that is allowed",
        Kind::Pattern { .. } => "must match the pattern",
        Kind::UniqueItems => "must not have two equal items",
        Kind::Contains => "must have the items that are asked for",
        Kind::FalseSchema => "is not allowed",
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => "fits none of the alternatives",
        Kind::OneOfMultipleValid { .. } => "fits more than one of the alternatives",
        Kind::Required { .. } => "a member is missing",
        _ => NOT_VALID,
    }
}

/// Where no more can be said.
pub(super) const NOT_VALID: &str = "is not valid";
