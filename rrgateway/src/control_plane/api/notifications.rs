//! Shows which limits have passed 80 % and 100 %, newest first.

use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value, json};

use crate::control_plane::api::page::{self, Page};
use crate::control_plane::api::problem::Problem;
use crate::control_plane::api::render;
use crate::control_plane::api::state::Api;
use crate::control_plane::config::shown::CLIENT;
use crate::control_plane::wire::text::rfc3339;
use crate::model::Notice;

/// One page of them.
pub(crate) fn list(api: &Api, request: &Request) -> Result<Response, Problem> {
    let name = format!("/v1/clients/{CLIENT}/notifications");
    let page = Page::read(request.uri(), &name, &[])?;
    // One more than is shown tells whether there are more.
    let mut found = api.usage.notices(page.cursor, page.limit + 1);
    let is_last = found.len() <= page.limit;
    found.truncate(page.limit);
    let last = found.last().map(|it| it.number).filter(|_| !is_last);
    let items: Vec<_> = found.iter().map(item).collect();
    Ok(render::page(&items, last.map(|it| page::cursor(it, &name)).as_deref()))
}

fn item(it: &Notice) -> Value {
    let Notice { number, at_ms, proxy, meter, limit, percent } = it;
    json!({"id": format!("ntf_{number}"), "at": rfc3339(*at_ms), "proxyId": proxy,
        "meterId": meter, "limit": limit, "percent": percent})
}

/// The shape of one.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "required": ["id", "at", "proxyId", "meterId", "limit", "percent"],
        "properties": {
        "id": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "proxyId": {"type": "string"},
        "meterId": {"type": ["string", "null"], "description": "null: one of the proxy's limits."},
        "limit": {"type": "string", "description": "Such as requestsPerDay or tokens.month."},
        "percent": {"enum": [80, 100], "description":
            "80: more than that is spent. 100: all of it is. Once for each key and window."},
    }})
}
