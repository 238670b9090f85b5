//! Says how the gateway does, in numbers, for who may know.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, FORWARDED, VARY};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::control_plane::api::auth;
use crate::control_plane::api::problem::Problem;
use crate::control_plane::api::state::Api;
use crate::telemetry::Metrics;

/// All of them, for who calls from this machine; whoever does not shows a token.
pub(crate) fn answer(api: &Api, request: &Request) -> Result<Response, Problem> {
    if !is_local(request) {
        auth::authenticate(&api.owner, request.headers())?;
    }
    let (text, kind) = if wants_open_metrics(request) {
        (api.metrics.text(), Metrics::CONTENT_TYPE)
    } else {
        (api.metrics.plain_text(), Metrics::PLAIN_CONTENT_TYPE)
    };
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

// Whoever names it among others can read it.
fn wants_open_metrics(request: &Request) -> bool {
    let lines = request.headers().get_all(ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let mut kinds = lines.flat_map(|it| it.split(',')).filter_map(|it| it.split(';').next());
    kinds.any(|it| it.trim().eq_ignore_ascii_case("application/openmetrics-text"))
}

// What has come through a proxy on this machine may be from anywhere.
fn is_local(request: &Request) -> bool {
    let peer = request.extensions().get::<SocketAddr>();
    let is_forwarded = FORWARDING.iter().any(|it| request.headers().contains_key(it));
    peer.is_some_and(|it| it.ip().to_canonical().is_loopback()) && !is_forwarded
}

const FORWARDING: [HeaderName; 3] =
    [FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];
