//! What callers are told: the refusal, and two header fields
//! (draft-ietf-httpapi-ratelimit-headers).

use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, Response};
use rrcore::{Code, Fact, Refusal};

use crate::decision::Standing;
use crate::field;
use crate::policy::Limit;

/// What a limited response says of the limits it was held to.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    policy: Option<HeaderValue>,
    standing: Standing,
}

impl Stamp {
    /// `policy` is the value of `RateLimit-Policy`.
    pub(crate) const fn new(policy: Option<HeaderValue>, standing: Standing) -> Self {
        Self { policy, standing }
    }

    /// Writes it on `response`, over whatever an upstream says of limits of its own.
    pub(crate) fn put_on<B>(self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        headers.remove(RATELIMIT_POLICY);
        headers.remove(RATELIMIT);
        if let Some(value) = self.policy {
            headers.insert(RATELIMIT_POLICY, value);
        }
        if let Some(value) = tightest(&self.standing) {
            headers.insert(RATELIMIT, value);
        }
        response.extensions_mut().insert(self.standing);
    }
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

pub(crate) fn facts(standing: &Standing) -> Vec<Fact> {
    let fact = |name: &Arc<str>, remaining| Fact::Limit { policy: Arc::clone(name), remaining };
    standing.limits().map(|it| fact(it.limit().name(), it.remaining())).collect()
}

fn tightest(standing: &Standing) -> Option<HeaderValue> {
    let it = standing.tightest()?;
    let mut value = String::new();
    field::push_string(it.limit().name(), &mut value);
    field::push_parameter("r", it.remaining(), &mut value);
    field::push_parameter("t", field::whole_seconds(it.reset()), &mut value);
    HeaderValue::try_from(value).ok()
}

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
