//! Shows audit records: newest first, read only.

use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::json;

use crate::control_plane::api::page::{self, Page};
use crate::control_plane::api::problem::{NOT_FOUND, Problem, STORE_UNAVAILABLE};
use crate::control_plane::api::render;
use crate::control_plane::api::state::Api;
use crate::control_plane::config::resource::{Key, Kind};
use crate::control_plane::config::shown::CLIENT;
use crate::control_plane::store::error::StoreError;
use crate::control_plane::store::query::Query;
use crate::control_plane::wire::fields::Flaw;

/// What a list of records can be narrowed down by.
pub(crate) const FILTERS: [&str; 3] = ["status", "code", "stage"];

/// The records of the client, or of one of its proxies.
pub(crate) async fn list(api: &Api, proxy: Option<&str>, uri: &Uri) -> Result<Response, Problem> {
    exists(api, proxy)?;
    let name = format!("requests/{}", proxy.unwrap_or_default());
    let page = Page::read(uri, &name, &FILTERS)?;
    let text = |name| page.filter(name).map(ToOwned::to_owned);
    let query = Query {
        client: CLIENT.to_owned(),
        proxy: proxy.map(ToOwned::to_owned),
        status: page.filter("status").map(status).transpose()?,
        code: text("code"),
        stage: text("stage"),
        before: page.cursor,
        // One more than is shown tells whether there are more.
        limit: page.limit + 1,
        id: None,
    };
    let mut found = api.records.find(query).await.map_err(|it| unavailable(&it))?;
    let is_last = found.len() <= page.limit;
    found.truncate(page.limit);
    let last = found.last().map(|(position, _)| *position).filter(|_| !is_last);
    let items: Vec<_> = found.into_iter().map(|(_, record)| record).collect();
    let next = last.map(|it| page::cursor(it, &name));
    Ok(render::json(StatusCode::OK, &json!({"items": items, "nextCursor": next})))
}

/// One record of a proxy.
pub(crate) async fn get(api: &Api, proxy: &str, id: &str) -> Result<Response, Problem> {
    exists(api, Some(proxy))?;
    let query = Query {
        client: CLIENT.to_owned(),
        proxy: Some(proxy.to_owned()),
        id: Some(id.to_owned()),
        limit: 1,
        ..Query::default()
    };
    let found = api.records.find(query).await.map_err(|it| unavailable(&it))?;
    let (_, record) = found.into_iter().next().ok_or(Problem::new(NOT_FOUND))?;
    Ok(render::json(StatusCode::OK, &record))
}

fn exists(api: &Api, proxy: Option<&str>) -> Result<(), Problem> {
    let Some(id) = proxy else { return Ok(()) };
    let snapshot = api.writer.current();
    let proxy = snapshot.config.get(&Key::top(Kind::Proxy, id));
    proxy.map(|_| ()).ok_or(Problem::new(NOT_FOUND))
}

fn status(text: &str) -> Result<u16, Problem> {
    let status: Result<StatusCode, _> = text.parse();
    let flaw = || Problem::invalid(&[Flaw::new("/status", "expected a status such as 200")]);
    status.map(|it| it.as_u16()).map_err(|_| flaw())
}

fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(%error, "audit records could not be read");
    Problem::new(STORE_UNAVAILABLE)
}
