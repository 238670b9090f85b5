//! Refusals of the API: RFC 9457, from one closed list.

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::resource::Key;
use crate::control_plane::store::written::WriteError;
use crate::control_plane::wire::answer;
use crate::control_plane::wire::fields::Flaw;

/// A refusal. As a response it is empty; the guard writes it, with the id of the request.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: Option<String>,
    more: Option<(&'static str, Value)>,
    challenge: Option<&'static str>,
}

type Kind = (StatusCode, &'static str, &'static str);

impl Problem {
    pub(crate) const fn new(kind: &'static Kind) -> Self {
        Self { kind, detail: None, more: None, challenge: None }
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) const fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    pub(crate) fn invalid(flaws: &[Flaw]) -> Self {
        Self::new(INVALID).errors(flaws)
    }

    fn errors(self, flaws: &[Flaw]) -> Self {
        let errors: Vec<_> = flaws
            .iter()
            .map(|Flaw { pointer, detail }| json!({"pointer": pointer, "detail": detail}))
            .collect();
        Self { more: Some(("errors", errors.into())), ..self }
    }

    fn in_use(users: &[Key]) -> Self {
        let used_by: Vec<_> = users
            .iter()
            .map(|it| json!({"type": it.collection.kind.word(), "id": it.id}))
            .collect();
        Self { more: Some(("usedBy", used_by.into())), ..Self::new(IN_USE) }
    }

    /// The response to request `id`; `allow` is what the router found out for a 405.
    pub(crate) fn write(self, id: &str, allow: Option<HeaderValue>) -> Response {
        let Self { kind: &(status, code, title), detail, more, challenge } = self;
        let document = json!({
            "type": format!("urn:rr:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "code": code,
            "requestId": id,
        });
        let detail = detail.map(|it| ("detail", it.into()));
        let document = answer::with(document, detail.into_iter().chain(more));
        let mut response = Response::new(Body::from(document.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(allow) = allow {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unavailable | WriteError::Refused(Refused::NoRandomness) => {
                Self::new(STORE_UNAVAILABLE)
            }
            WriteError::Refused(Refused::NotFound) => Self::new(NOT_FOUND),
            WriteError::Refused(Refused::Precondition) => Self::new(PRECONDITION_FAILED),
            WriteError::Refused(Refused::InUse(users)) => Self::in_use(&users),
            WriteError::Refused(Refused::Conflict(flaw)) => Self::new(CONFLICT).errors(&[flaw]),
            WriteError::Refused(Refused::Invalid(flaws)) => Self::invalid(&flaws),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.kind.0;
        response.extensions_mut().insert(self);
        response
    }
}

pub(crate) const MALFORMED: &Kind = &(StatusCode::BAD_REQUEST, "malformed", "This is not JSON");
pub(crate) const UNAUTHENTICATED: &Kind =
    &(StatusCode::UNAUTHORIZED, "unauthenticated", "A valid token is needed");
pub(crate) const FORBIDDEN: &Kind =
    &(StatusCode::FORBIDDEN, "forbidden", "Other web sites may not call this API");
pub(crate) const NOT_FOUND: &Kind = &(StatusCode::NOT_FOUND, "not-found", "There is no such thing");
pub(crate) const METHOD_NOT_ALLOWED: &Kind =
    &(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This cannot be done here");
pub(crate) const IN_USE: &Kind = &(StatusCode::CONFLICT, "in-use", "Something still uses this");
pub(crate) const CONFLICT: &Kind =
    &(StatusCode::CONFLICT, "conflict", "This conflicts with something that exists");
pub(crate) const PRECONDITION_FAILED: &Kind =
    &(StatusCode::PRECONDITION_FAILED, "precondition-failed", "This has changed in the meantime");
pub(crate) const CONTENT_TOO_LARGE: &Kind =
    &(StatusCode::PAYLOAD_TOO_LARGE, "content-too-large", "More than 1 MiB is too much");
pub(crate) const UNSUPPORTED_MEDIA_TYPE: &Kind =
    &(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Send JSON");
pub(crate) const MISDIRECTED: &Kind =
    &(StatusCode::MISDIRECTED_REQUEST, "misdirected-request", "This host is not served here");
pub(crate) const INVALID: &Kind =
    &(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Something in this is wrong");
pub(crate) const STORE_UNAVAILABLE: &Kind = &(
    StatusCode::SERVICE_UNAVAILABLE,
    "store-unavailable",
    "Nothing was changed: the store cannot be used now",
);
pub(crate) const ROTATION_UNFINISHED: &Kind = &(
    StatusCode::SERVICE_UNAVAILABLE,
    "rotation-unfinished",
    "The new master key is in use, and the old one is still needed",
);
pub(crate) const NOT_READY: &Kind =
    &(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "No revision is served, or no longer");
