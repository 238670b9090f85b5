//! Writes resources as answers.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::Value;

use crate::control_plane::api::spent;
use crate::control_plane::api::state::Api;
use crate::control_plane::config::document;
use crate::control_plane::config::resource::{Collection, Key, Resource};
use crate::control_plane::config::shown::CLIENT;
use crate::control_plane::wire::answer;

/// `resource` as it is answered.
pub(crate) fn resource(resource: &Resource, api: &Api) -> Value {
    let shown = document::shown(resource);
    let usage = spent::of(&*api.usage, &resource.key).map(|it| ("usage", it));
    let Some(proxy) = resource.spec.as_proxy() else { return answer::with(shown, usage) };
    let data_url = &api.data_url;
    let id = &*resource.key.id;
    let alias = proxy.alias.as_deref().filter(|it| *it != id);
    let base_url = |name| Value::from(format!("{data_url}/api/{name}"));
    let base_urls: Value = [id].into_iter().chain(alias).map(base_url).collect();
    answer::with(shown, [("baseUrls", base_urls)])
}

/// The path of `key`.
pub(crate) fn path(key: &Key) -> String {
    format!("{}/{}", list_path(&key.collection), key.id)
}

/// The path of `collection`: also the name of its list.
pub(crate) fn list_path(collection: &Collection) -> String {
    let segment = collection.kind.segment();
    match &collection.parent {
        Some((kind, id)) => format!("/v1/clients/{CLIENT}/{}/{id}/{segment}", kind.segment()),
        None => format!("/v1/clients/{CLIENT}/{segment}"),
    }
}

/// A JSON response.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// One page of a list; `next` is the cursor of the one after it.
pub(crate) fn page(items: &[Value], next: Option<&str>) -> Response {
    json(StatusCode::OK, &serde_json::json!({"items": items, "nextCursor": next}))
}

/// Says which revision last changed what `response` shows (RFC 9110 §8.8.3).
pub(crate) fn tag(response: &mut Response, changed_in: u64) {
    header(response, ETAG, &format!("\"r{changed_in}\""));
}

/// Says which revision a write made.
pub(crate) fn revision(response: &mut Response, number: u64) {
    header(response, HeaderName::from_static("rr-revision"), &number.to_string());
}

/// Says where what was created is.
pub(crate) fn location(response: &mut Response, key: &Key) {
    header(response, LOCATION, &path(key));
}

fn header(response: &mut Response, name: HeaderName, value: &str) {
    // Only numbers and ids, which are ASCII.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
