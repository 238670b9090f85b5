//! Shows audit records.

use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;

use crate::control_plane::api::page::Page;
use crate::control_plane::api::problem::{NOT_FOUND, Problem};
use crate::control_plane::api::state::Api;
use crate::control_plane::api::{newest, render};
use crate::control_plane::config::resource::{Key, Kind};
use crate::control_plane::config::shown::CLIENT;
use crate::control_plane::store::query::RecordQuery;

/// What a list of records can be narrowed down by.
pub(crate) const FILTERS: [&str; 9] = [
    "after",
    "before",
    "status",
    "code",
    "stage",
    "credentialId",
    "method",
    "pathPrefix",
    "minDurationMs",
];

/// The records of the client, or of one of its proxies.
pub(crate) async fn list(api: &Api, proxy: Option<&str>, uri: &Uri) -> Result<Response, Problem> {
    exists(api, proxy)?;
    let name = format!("requests/{}", proxy.unwrap_or_default());
    let page = Page::read(uri, &name, &FILTERS)?;
    let query = RecordQuery {
        client: CLIENT,
        proxy,
        id: None,
        received: page.span()?,
        status: page.parsed("status", status)?,
        code: page.filter("code"),
        stage: page.filter("stage"),
        credential: page.filter("credentialId"),
        method: page.parsed("method", method)?,
        path_prefix: page.parsed("pathPrefix", path_prefix)?,
        min_duration_ms: page.parsed("minDurationMs", millis)?,
    };
    newest::list(&api.records, &page, &name, |before, limit| query.select(before, limit)).await
}

/// One record of a proxy.
pub(crate) async fn get(api: &Api, proxy: &str, id: &str) -> Result<Response, Problem> {
    exists(api, Some(proxy))?;
    let query =
        RecordQuery { client: CLIENT, proxy: Some(proxy), id: Some(id), ..RecordQuery::default() };
    let found = newest::find(&api.records, query.select(None, 1)).await?;
    let (_, record) = found.into_iter().next().ok_or(Problem::new(NOT_FOUND))?;
    Ok(render::json(StatusCode::OK, &record))
}

fn exists(api: &Api, proxy: Option<&str>) -> Result<(), Problem> {
    let Some(id) = proxy else { return Ok(()) };
    let snapshot = api.writer.current();
    let proxy = snapshot.config.get(&Key::top(Kind::Proxy, id));
    proxy.map(|_| ()).ok_or(Problem::new(NOT_FOUND))
}

fn status(text: &str) -> Result<u16, &'static str> {
    let status: Result<StatusCode, _> = text.parse();
    status.map(|it| it.as_u16()).map_err(|_| "expected a status such as 200")
}

fn method(text: &str) -> Result<&str, &'static str> {
    Method::from_bytes(text.as_bytes()).map(|_| text).map_err(|_| "this is not a method")
}

fn path_prefix(text: &str) -> Result<&str, &'static str> {
    if text.starts_with('/') { Ok(text) } else { Err("a path starts with /") }
}

fn millis(text: &str) -> Result<i64, &'static str> {
    let number = text.parse().ok().filter(|it| *it >= 0);
    number.ok_or("expected a whole number of milliseconds")
}
