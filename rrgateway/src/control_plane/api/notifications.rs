//! Shows which limits have passed 80 % and 100 %, when a shared store was gone, and when there was no
//! room for keys, newest first.

use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value, json};

use crate::control_plane::api::page::{self, Page};
use crate::control_plane::api::problem::Problem;
use crate::control_plane::api::render;
use crate::control_plane::api::state::Api;
use crate::control_plane::config::shown::CLIENT;
use crate::control_plane::wire::text::rfc3339;
use crate::model::{Noted, Notice};

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
    let (id, at) = (format!("ntf_{}", it.number), rfc3339(it.at_ms));
    match &it.what {
        Noted::Passed { proxy, meter, limit, percent } => json!({"id": id, "at": at,
            "proxyId": proxy, "meterId": meter, "limit": limit, "percent": percent}),
        Noted::Store { answers, gateways, outstanding_leases, reason } => {
            json!({"id": id, "at": at,
            "limitsStore": if *answers { "answers" } else { "away" }, "gateways": gateways,
            "outstandingLeases": outstanding_leases, "reason": reason})
        }
        Noted::Keys { is_full, most } => json!({"id": id, "at": at,
            "limitsKeys": if *is_full { "full" } else { "room" }, "maxKeys": most}),
    }
}

/// The shape of one.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "required": ["id", "at"], "description":
        "A limit that passed a threshold, a change of the store that gateways share, or of whether there \
         is room for keys.",
        "properties": {
        "id": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "proxyId": {"type": "string"},
        "meterId": {"type": ["string", "null"], "description": "null: one of the proxy's limits."},
        "limit": {"type": "string", "description": "Such as requestsPerDay or tokens.month."},
        "percent": {"enum": [80, 100], "description":
            "80: more than that is spent. 100: all of it is. Once for each key and window."},
        "limitsStore": {"enum": ["answers", "away"], "description":
            "Only of a change of the store, which is told once each time. away: it does not answer, \
             and limits do what they say for that case."},
        "reason": {"type": ["string", "null"], "description":
            "What stands between the gateway and the store, where that is known. With limitsStore."},
        "limitsKeys": {"enum": ["full", "room"], "description":
            "full: there is no room for more keys, and limits.onCapacity says what becomes of them. \
             room: for a minute there was some for every key."},
        "maxKeys": {"type": "integer", "description":
            "For how many keys there is room (limits.maxKeys). With limitsKeys."},
        "gateways": {"type": "integer", "description":
            "Those that share the store, as last known. With limitsStore."},
        "outstandingLeases": {"type": "integer", "description":
            "Units that this gateway had leased and not spent: by so much, on each gateway, may \
             limits be exceeded that slide. With limitsStore."},
    }})
}
