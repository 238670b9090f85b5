//! Says what would become of a described request. The data plane answers: it has what decides.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use crate::control_plane::api::problem::{MALFORMED, Problem, STORE_UNAVAILABLE};
use crate::control_plane::api::state::Api;
use crate::control_plane::api::{body, render};
use crate::control_plane::wire::{explanation, question};

/// Explains what `request` describes.
pub(crate) async fn answer(api: &Api, request: Request) -> Result<Response, Problem> {
    let body = body::read(request, body::WHOLE).await?;
    let explain = Arc::clone(&api.explain);
    // Patterns over a body take their time: not on a thread that serves.
    let explained = tokio::task::spawn_blocking(move || {
        let read = question::read(&body);
        let read = read.map_err(|it| Problem::new(MALFORMED).detail(it.to_string()))?;
        let question = read.map_err(|it| Problem::invalid(&it))?;
        Ok(explanation::shown(&explain.explain(&question)))
    });
    // It fails to join only when the runtime ends.
    let explained = explained.await.unwrap_or(Err(Problem::new(STORE_UNAVAILABLE)))?;
    Ok(render::json(StatusCode::OK, &explained))
}
