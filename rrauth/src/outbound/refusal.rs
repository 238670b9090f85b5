//! How a request without its credential is refused.

use http::{HeaderMap, HeaderName, HeaderValue};
use rrcore::{Code, Refusal};

/// 503 `credential-unavailable`; only the operator sees `reason`.
pub(crate) fn unavailable(reason: impl Into<String>) -> Refusal {
    Refusal::new(Code::CredentialUnavailable).because(reason)
}

/// Sets the one line of `name`, unless the request has as many headers as can be.
pub(crate) fn set(
    headers: &mut HeaderMap,
    name: &HeaderName,
    value: HeaderValue,
) -> Result<(), Refusal> {
    let set = headers.try_insert(name, value);
    set.map(drop).map_err(|_| unavailable("the request has no room for another header"))
}

pub(crate) const NO_QUERY: &str = "the request target cannot carry it";
