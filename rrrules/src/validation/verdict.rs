//! What a validator's finding means for a request: the refusal, and what the trail gets.

use bytes::Bytes;
use http::HeaderMap;
use rrcore::coding::{Coding, DecodeError, decode};
use rrcore::{Code, Fact, Facts, Refusal, Stage};
use serde_json::{Value, json};

use super::violation::{Invalid, Violation};

/// Undoes the content coding of a body.
pub(super) fn plain(headers: &HeaderMap, body: &Bytes, limit: usize) -> Result<Bytes, Code> {
    if body.is_empty() {
        return Ok(Bytes::new());
    }
    let decoded = Coding::of(headers).and_then(|coding| decode(coding, body.clone(), limit));
    decoded.map_err(|error| match error {
        DecodeError::TooLarge => Code::ContentTooLarge,
        DecodeError::Corrupt | DecodeError::Unsupported => Code::UnsupportedMediaType,
    })
}

/// The refusal of a request, as this stage's.
pub(super) fn refusal(code: Code) -> Refusal {
    Refusal::new(code).at(Stage::Validate)
}

/// The refusal of a request that is not valid, and what the trail gets.
pub(super) fn refused(invalid: &Invalid) -> (Refusal, Facts) {
    let refusal = match invalid {
        Invalid::MediaType => refusal(Code::UnsupportedMediaType),
        Invalid::Failed(violations) => {
            let errors = violations.iter().map(
                |Violation { pointer, detail }| json!({ "pointer": pointer, "detail": detail }),
            );
            refusal(Code::ValidationFailed).member("errors", Value::from_iter(errors))
        }
    };
    (refusal, fact("request", &Err(invalid.clone())).into())
}

/// What the trail gets.
pub(super) fn fact(message: &'static str, result: &Result<(), Invalid>) -> Fact {
    let (outcome, violations) = match result {
        Ok(()) => ("valid", &[][..]),
        Err(Invalid::MediaType) => ("mediaType", &[][..]),
        Err(Invalid::Failed(violations)) => ("invalid", &violations[..]),
    };
    let pointers = violations.iter().map(|it| it.pointer.as_str().into()).collect();
    Fact::Validation { message, outcome, pointers }
}

/// What the trail gets of a message that could not be looked into.
pub(super) const fn unchecked(message: &'static str) -> Fact {
    Fact::Validation { message, outcome: "unchecked", pointers: Vec::new() }
}
