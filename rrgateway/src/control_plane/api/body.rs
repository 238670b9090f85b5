//! Reads the document of a request.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::control_plane::api::problem::{
    CONTENT_TOO_LARGE, MALFORMED, Problem, UNSUPPORTED_MEDIA_TYPE,
};

/// The body of `request`: JSON by its name, and at most 1 MiB.
pub(crate) async fn read(request: Request) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::new(UNSUPPORTED_MEDIA_TYPE));
    }
    let body: Limited<Body> = Limited::new(request.into_body(), MOST);
    let whole = body.collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Problem::new(CONTENT_TOO_LARGE)
        } else {
            Problem::new(MALFORMED).detail("The body ended early.")
        }
    })?;
    Ok(whole.to_bytes())
}

// A form of another site cannot send this type without asking first: one more bar to forgery.
fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let essence = named.and_then(|it| it.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

const MOST: usize = 1 << 20;
