//! What callers are told: the refusal, and two header fields
//! (draft-ietf-httpapi-ratelimit-headers).

use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use rrcore::{Code, Fact, Facts, HeaderNames, Refusal};

use crate::decision::{LimitStanding, Standing};
use crate::field;
use crate::policy::{Limit, Policy};
use crate::store::Unavailable;
use crate::window::Window;

/// Writes on `response` what is left, over whatever an upstream says of limits of its own.
pub(crate) fn stamp<B>(standing: Standing, with_legacy: bool, response: &mut Response<B>) {
    let headers = response.headers_mut();
    WORDS_ON_LIMITS.remove_from(headers);
    if let Some(value) = policies(&standing) {
        headers.insert(RATELIMIT_POLICY, value);
    }
    if let Some(tightest) = standing.tightest() {
        if let Some(value) = service_limit(tightest) {
            headers.insert(RATELIMIT, value);
        }
        if with_legacy {
            legacy(tightest, headers);
        }
    }
    response.extensions_mut().insert(standing);
}

pub(crate) fn refusal<'a>(
    retry_after: Duration,
    violated: impl Iterator<Item = &'a Limit>,
) -> Refusal {
    let seconds = field::whole_seconds(retry_after);
    let names: Vec<_> = violated.map(|it| &**it.name()).collect();
    Refusal::new(Code::QuotaExceeded)
        .header(RETRY_AFTER, seconds.into())
        .member("violated-policies", names)
        .member("retryAfterSeconds", seconds)
}

/// Where nobody could decide, and the limit says that then nothing passes.
pub(crate) fn unavailable(nobody: &Unavailable) -> Refusal {
    Refusal::new(Code::LimitUnavailable)
        .header(RETRY_AFTER, SOON.as_secs().into())
        .because(nobody.to_string())
}

pub(crate) fn facts(standing: &Standing) -> Facts {
    let fact = |name: &Arc<str>, remaining| Fact::Limit { policy: Arc::clone(name), remaining };
    let degraded = standing.is_degraded().then_some(Fact::LimitsDegraded);
    let limits = standing.limits().map(|it| fact(it.limit().name(), it.remaining()));
    limits.chain(degraded).collect()
}

fn policies(standing: &Standing) -> Option<HeaderValue> {
    let mut headers = standing.policies().filter_map(Policy::header);
    let first = headers.next()?;
    let Some(second) = headers.next() else { return Some(first.clone()) };
    let all = standing.policies().filter_map(Policy::header).map(|it| it.len() + 2).sum();
    let mut joined = Vec::with_capacity(all);
    joined.extend_from_slice(first.as_bytes());
    for header in std::iter::once(second).chain(headers) {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(header.as_bytes());
    }
    HeaderValue::from_maybe_shared(joined).ok()
}

fn service_limit(it: LimitStanding<'_>) -> Option<HeaderValue> {
    let name = it.limit().quoted();
    let mut value = field::Text::from_slice(name.as_bytes());
    field::push_parameter("r", it.remaining(), &mut value);
    // The draft leaves `t` out where nothing resets: nobody can say when a request will end.
    if it.limit().window() != Window::Concurrency {
        field::push_parameter("t", field::whole_seconds(it.reset()), &mut value);
    }
    HeaderValue::from_bytes(&value).ok()
}

fn legacy(it: LimitStanding<'_>, headers: &mut HeaderMap) {
    headers.insert(LEGACY_LIMIT, it.limit().max().into());
    headers.insert(LEGACY_REMAINING, it.remaining().into());
    if it.limit().window() != Window::Concurrency {
        headers.insert(LEGACY_RESET, field::whole_seconds(it.reset()).into());
    }
}

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEGACY_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const LEGACY_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const LEGACY_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// All that an upstream may say of limits of its own, former drafts' fields included.
const WORDS_ON_LIMITS: HeaderNames = HeaderNames::new(&[
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
]);
// When a store that does not answer is worth asking again.
pub(crate) const SOON: Duration = Duration::from_secs(1);
