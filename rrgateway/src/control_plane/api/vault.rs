//! Changes the vault's master key. The data plane does it: it has the keys.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::control_plane::api::problem::{
    CONFLICT, Problem, ROTATION_UNFINISHED, STORE_UNAVAILABLE,
};
use crate::control_plane::api::render;
use crate::control_plane::api::state::Api;
use crate::control_plane::config::activity::Origin;
use crate::control_plane::store::writer::Writer;
use crate::control_plane::wire::text::rfc3339;
use crate::model::{Rotated, RotationFailed, SecretSink};

/// Changes the key, or finishes a change that was begun. It goes on, and is written down, if nobody
/// waits for the answer.
pub(crate) async fn rotate(api: &Api, origin: Origin) -> Result<Response, Problem> {
    let started = now(api);
    let done = tokio::spawn(rotated(Arc::clone(&api.secrets), api.writer.clone(), origin));
    // It fails to join only when the runtime ends.
    let Rotated { key_id, records } =
        done.await.unwrap_or(Err(Problem::new(ROTATION_UNFINISHED)))?;
    let answer = json!({
        "keyId": key_id,
        "records": records,
        "startedAt": rfc3339(started),
        "finishedAt": rfc3339(now(api)),
    });
    Ok(render::json(StatusCode::OK, &answer))
}

async fn rotated(
    secrets: Arc<dyn SecretSink>,
    writer: Writer,
    origin: Origin,
) -> Result<Rotated, Problem> {
    let rotated = tokio::task::spawn_blocking(move || secrets.rotate()).await;
    let rotated =
        rotated.map_err(|_| Problem::new(ROTATION_UNFINISHED))?.map_err(|it| problem(&it))?;
    // It is done all the same: to say that it failed would have it done again.
    if writer.note(rotated.clone(), origin).await.is_err() {
        tracing::error!(key = rotated.key_id, "a new master key is missing from the activity");
    }
    Ok(rotated)
}

/// The schema of the answer.
pub(crate) fn rotation() -> Value {
    json!({
        "type": "object",
        "required": ["keyId", "records", "startedAt", "finishedAt"],
        "properties": {
            "keyId": {"type": "string", "description":
                "Names the new master key, and says nothing about it."},
            "records": {"type": "integer", "description": "Secrets that are sealed under it."},
            "startedAt": {"type": "string", "format": "date-time"},
            "finishedAt": {"type": "string", "format": "date-time"},
        },
    })
}

fn problem(failed: &RotationFailed) -> Problem {
    tracing::warn!(error = %failed, "the master key was not changed");
    let kind = match failed {
        RotationFailed::Refused(_) => CONFLICT,
        RotationFailed::NoKey(_) => STORE_UNAVAILABLE,
        RotationFailed::Unfinished(_) => ROTATION_UNFINISHED,
    };
    Problem::new(kind).detail(failed.to_string())
}

fn now(api: &Api) -> i64 {
    i64::try_from(api.clock.now().wall.as_millis()).unwrap_or(i64::MAX)
}
