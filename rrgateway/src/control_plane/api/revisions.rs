//! Shows which revision is current, and what the data plane said to it.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::control_plane::api::render;
use crate::control_plane::api::state::Api;
use crate::control_plane::wire::text::rfc3339;
use crate::model::Acceptance;

/// The current revision.
pub(crate) fn current(api: &Api) -> Response {
    let snapshot = api.writer.current();
    let (Acceptance { serving, rejected }, since) = api.acceptance();
    let at = rfc3339(since);
    let node = |state: &str, reason: Option<String>| json!({"node": "local", "state": state, "at": at, "reason": reason});
    let refusal = rejected.filter(|(number, _)| *number >= snapshot.number);
    let nodes: Vec<Value> = if serving >= snapshot.number {
        vec![node("applied", None)]
    } else {
        // Neither applied nor rejected: the data plane is not there, or has not said yet.
        refusal.into_iter().map(|(_, why)| node("rejected", Some(why))).collect()
    };
    let document = json!({
        "number": snapshot.number,
        "digest": snapshot.digest.to_string(),
        "author": snapshot.author,
        "createdAt": rfc3339(snapshot.created_ms),
        "nodes": nodes,
    });
    render::json(StatusCode::OK, &document)
}
