//! Reads the document of a request.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::control_plane::api::problem::{
    CONTENT_TOO_LARGE, MALFORMED, Problem, UNSUPPORTED_MEDIA_TYPE,
};

/// What a whole resource is sent as.
pub(crate) const WHOLE: &[&str] = &["application/json"];
/// What a change to one is sent as (RFC 7396).
pub(crate) const PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

/// The body of `request`: of one of these `types`, and at most 1 MiB.
pub(crate) async fn read(request: Request, types: &[&str]) -> Result<Bytes, Problem> {
    if !is_one_of(types, request.headers()) {
        let expected = format!("Send {}.", types.join(" or "));
        return Err(Problem::new(UNSUPPORTED_MEDIA_TYPE).detail(expected));
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

// A form of another site cannot send such a type without asking first: one more bar to forgery.
fn is_one_of(types: &[&str], headers: &HeaderMap) -> bool {
    let named = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let essence = named.and_then(|it| it.split(';').next()).unwrap_or_default();
    types.iter().any(|it| essence.trim().eq_ignore_ascii_case(it))
}

const MOST: usize = 1 << 20;
