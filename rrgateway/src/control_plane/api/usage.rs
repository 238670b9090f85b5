//! Shows what was spent of limits, of all proxies in one list.

use axum::extract::Request;
use axum::response::Response;
use serde_json::json;

use crate::control_plane::api::page::{self, Page};
use crate::control_plane::api::problem::Problem;
use crate::control_plane::api::state::Api;
use crate::control_plane::api::{render, spent};
use crate::control_plane::config::resource::{Collection, Kind, Resource};
use crate::control_plane::config::shown::CLIENT;

/// One page of what was spent, a proxy an item.
pub(crate) fn list(api: &Api, request: &Request) -> Result<Response, Problem> {
    let name = format!("/v1/clients/{CLIENT}/usage");
    let page = Page::read(request.uri(), &name, &[])?;
    let snapshot = api.writer.current();
    let proxies = Collection::top(Kind::Proxy);
    let mut rest = snapshot.config.list(&proxies, page.cursor.unwrap_or(0)).peekable();
    let shown: Vec<_> = rest.by_ref().take(page.limit).collect();
    let last = shown.last().map(|it| it.created_in).filter(|_| rest.peek().is_some());
    let of_proxy = |it: &&std::sync::Arc<Resource>| {
        let meters = Collection::under(Kind::Meter, &it.key);
        let meters = snapshot.config.list(&meters, 0).filter_map(|meter| {
            let usage = spent::of(&*api.usage, &meter.key)?;
            Some(json!({"id": meter.key.id, "name": meter.spec.name(), "usage": usage}))
        });
        let limits = api.usage.usage(&it.key.id, None);
        json!({"proxyId": it.key.id, "limits": spent::items(&limits),
            "meters": meters.collect::<Vec<_>>()})
    };
    let items: Vec<_> = shown.iter().map(of_proxy).collect();
    Ok(render::page(&items, last.map(|it| page::cursor(it, &name)).as_deref()))
}
