//! How the gateway's own answers look, and what it adds to every answer.

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::{BodyExt, Full};
use rratelimit::Standing;
use rrcore::{Code, Context, Refusal, Stage};

use crate::data_plane::body::ResponseBody;
use crate::data_plane::exchange::Exchange;

/// Renders a refusal and records it in the trail.
pub fn refuse(context: &Context, refusal: Refusal) -> Response<ResponseBody> {
    context.refuse(refusal).map(own)
}

/// A body of the gateway's own.
pub fn own(bytes: Bytes) -> ResponseBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Puts the gateway's own headers on a response: `rr-request-id`, `rr-revision`,
/// `rr-proxy-message`, `rr-proxy-code`, `rr-proxy-warning`, and `Proxy-Status` (RFC 9209) where
/// the gateway answered by itself.
pub fn stamp(exchange: &Exchange, response: &mut Response<ResponseBody>) {
    let refusal = response.extensions().get::<Refusal>().map(|it| (it.code(), it.stage()));
    let is_nearly_exhausted =
        response.extensions().get::<Standing>().is_some_and(Standing::nearly_exhausted);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(exchange.context().id().as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(REVISION, HeaderValue::from(exchange.notes().revision));
    if is_nearly_exhausted {
        headers.insert(WARNING, HeaderValue::from_static("a limit is above 80 %"));
    }
    let Some((code, stage)) = refusal else {
        headers.insert(CODE, HeaderValue::from_static(GRANTED));
        headers.insert(MESSAGE, HeaderValue::from_static("The request was relayed"));
        return;
    };
    // Where the message ends may be in doubt: what follows must not be read as a request. And the server
    // closes the connection of one whose body has not come, where the client has to know it.
    if stage == Stage::Hygiene || exchange.progress().left() > READ_ON {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(CODE, HeaderValue::from_static(shown(code, stage)));
    headers.insert(MESSAGE, HeaderValue::from_static(code.title()));
    if let Ok(value) = HeaderValue::try_from(format!("rrgateway; error={}", rfc9209(code))) {
        headers.insert(PROXY_STATUS, value);
    }
}

/// What of a body may be missing for the server to read it by itself.
const READ_ON: u64 = 4 * 1024;

/// The code that a record and `rr-proxy-code` show for a relayed response.
pub const GRANTED: &str = "proxy-access-granted";
/// The code in the record of a request whose client left before there was an answer.
pub const CLOSED: &str = "client-closed-request";

// Who may call, and what, is not explained to whoever may not.
const fn shown(code: Code, stage: Stage) -> &'static str {
    match stage {
        Stage::Authenticate | Stage::Authorize | Stage::Rules => "proxy-access-denied",
        Stage::Hygiene
        | Stage::Route
        | Stage::Limit
        | Stage::Validate
        | Stage::Transform
        | Stage::Redact
        | Stage::Inject
        | Stage::Upstream
        | Stage::Filter
        | Stage::Audit => code.as_str(),
    }
}

// RFC 9209 §2.3: the nearest registered error type.
const fn rfc9209(code: Code) -> &'static str {
    match code {
        Code::UpstreamUnreachable | Code::NoHealthyUpstream => "destination_unavailable",
        Code::UpstreamTls => "tls_protocol_error",
        Code::UpstreamTimeout => "http_response_timeout",
        Code::UpstreamInvalidResponse | Code::ResponseNotFilterable => "http_protocol_error",
        Code::ResponseTooLarge => "http_response_body_size",
        Code::LoopDetected => "proxy_loop_detected",
        Code::Internal => "proxy_internal_error",
        Code::NotReady => "proxy_internal_response",
        Code::MalformedRequest => "http_request_error",
        // A label for a log line, not a decision: whatever is not named above was refused by us.
        _ => "http_request_denied",
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("rr-request-id");
const REVISION: HeaderName = HeaderName::from_static("rr-revision");
const MESSAGE: HeaderName = HeaderName::from_static("rr-proxy-message");
const CODE: HeaderName = HeaderName::from_static("rr-proxy-code");
const WARNING: HeaderName = HeaderName::from_static("rr-proxy-warning");
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
