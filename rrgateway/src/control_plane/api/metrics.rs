//! Says how the gateway does, in numbers.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, FORWARDED};
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
    let mut response = Response::new(api.metrics.text().into());
    let kind = HeaderValue::from_static(Metrics::CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

// What has come through a proxy on this machine may be from anywhere.
fn is_local(request: &Request) -> bool {
    let peer = request.extensions().get::<SocketAddr>();
    let is_forwarded = FORWARDING.iter().any(|it| request.headers().contains_key(it));
    peer.is_some_and(|it| it.ip().to_canonical().is_loopback()) && !is_forwarded
}

const FORWARDING: [HeaderName; 3] =
    [FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];
