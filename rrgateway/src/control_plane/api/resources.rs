//! Lists, makes, shows, replaces, changes and deletes resources: the same for all kinds.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rrcore::RequestId;
use serde_json::Value;

use crate::control_plane::api::page::{self, Page};
use crate::control_plane::api::problem::{
    MALFORMED, NOT_FOUND, PRECONDITION_FAILED, Problem, STORE_UNAVAILABLE,
};
use crate::control_plane::api::state::Api;
use crate::control_plane::api::{body, render};
use crate::control_plane::config::activity::Origin;
use crate::control_plane::config::change::{Change, IfMatch};
use crate::control_plane::config::draft::Draft;
use crate::control_plane::config::identifier;
use crate::control_plane::config::lint::Concerned;
use crate::control_plane::config::resource::{Collection, Key, Kind};
use crate::control_plane::store::written::Written;
use crate::control_plane::wire::answer;
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::json::Json;

/// What is done with a resource or a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    List,
    Create,
    Get,
    Put,
    Patch,
    Delete,
    /// Gives a credential a new secret.
    Rotate,
}

/// Does `verb` in `collection`, to the resource with this `id` where the verb is about one.
pub(crate) async fn serve(
    api: &Api,
    verb: Verb,
    collection: Collection,
    id: &str,
    request: Request,
) -> Result<Response, Problem> {
    let snapshot = api.writer.current();
    if collection.owner().is_some_and(|it| snapshot.config.get(&it).is_none()) {
        return Err(Problem::new(NOT_FOUND));
    }
    let origin = origin(&request);
    match verb {
        Verb::List => list(api, &collection, &request),
        Verb::Get => get(api, &collection.key(id)),
        Verb::Create => {
            let key = collection.key(identifier::new(collection.kind.prefix(), wall_ms(api)));
            let draft = draft(api, collection.kind, request).await?;
            write(api, Change::Create { key, draft }, origin).await
        }
        Verb::Put => {
            let key = collection.key(id);
            if !identifier::is_valid(id) {
                return Err(Problem::invalid(&[Flaw::new("/id", identifier::WRONG)]));
            }
            let if_match = if_match(request.headers())?;
            let draft = draft(api, collection.kind, request).await?;
            write(api, Change::Put { key, draft, if_match }, origin).await
        }
        Verb::Patch => {
            let key = known(api, collection.key(id))?;
            let if_match = if_match(request.headers())?;
            let patch = json(&body::read(request, body::PATCH).await?)?;
            write(api, Change::Patch { key, patch, if_match }, origin).await
        }
        Verb::Rotate => {
            let key = known(api, collection.key(id))?;
            let if_match = if_match(request.headers())?;
            let rotation = json(&body::read(request, body::WHOLE).await?)?;
            write(api, Change::Rotate { key, rotation, if_match }, origin).await
        }
        Verb::Delete => {
            let if_match = if_match(request.headers())?;
            write(api, Change::Delete { key: collection.key(id), if_match }, origin).await
        }
    }
}

fn known(api: &Api, key: Key) -> Result<Key, Problem> {
    let is_there = api.writer.current().config.get(&key).is_some();
    is_there.then_some(key).ok_or_else(|| Problem::new(NOT_FOUND))
}

fn list(api: &Api, collection: &Collection, request: &Request) -> Result<Response, Problem> {
    let name = render::list_path(collection);
    let page = Page::read(request.uri(), &name, &[])?;
    let snapshot = api.writer.current();
    let mut rest = snapshot.config.list(collection, page.cursor.unwrap_or(0)).peekable();
    let shown: Vec<_> = rest.by_ref().take(page.limit).collect();
    let last = shown.last().map(|it| it.created_in).filter(|_| rest.peek().is_some());
    let items: Vec<_> = shown.iter().map(|it| render::resource(it, api)).collect();
    let next = last.map(|it| page::cursor(it, &name));
    Ok(render::page(&items, next.as_deref()))
}

fn get(api: &Api, key: &Key) -> Result<Response, Problem> {
    let snapshot = api.writer.current();
    let resource = snapshot.config.get(key).ok_or(Problem::new(NOT_FOUND))?;
    let mut response = render::json(StatusCode::OK, &render::resource(resource, api));
    render::tag(&mut response, resource.changed_in);
    Ok(response)
}

// Answers once the data plane serves it: the next request of whoever asked meets it.
async fn write(api: &Api, change: Change, origin: Origin) -> Result<Response, Problem> {
    let Written { number, resource, created, concerned, shown } =
        api.writer.write(change, origin).await?;
    api.publisher.settled(number, PATIENCE).await;
    let (acceptance, _) = api.acceptance();
    api.writer.served(acceptance.serving).await;
    let mut response = match resource {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(resource) => {
            let status = if created { StatusCode::CREATED } else { StatusCode::OK };
            let secret = shown.map(|it| ("secret", Value::from(it.as_str())));
            let warnings = warnings(concerned).await;
            let answer = render::resource(&resource, api);
            let answer = answer::with(answer, secret.into_iter().chain(warnings));
            let mut response = render::json(status, &answer);
            render::tag(&mut response, resource.changed_in);
            if created {
                render::location(&mut response, &resource.key);
            }
            response
        }
    };
    render::revision(&mut response, number);
    Ok(response)
}

// Without warnings, what is answered is the resource, as it is shown later.
async fn warnings(concerned: Option<Concerned>) -> Option<(&'static str, Value)> {
    let concerned = concerned?;
    // Rules are compared with each other: not on a thread that serves, nor on the one that writes.
    let found = tokio::task::spawn_blocking(move || concerned.warnings()).await;
    // It fails to join only when the runtime ends.
    found.ok().filter(|it| !it.is_empty()).map(|it| ("warnings", it.into()))
}

// Reading compiles patterns, which takes milliseconds: not on a thread that serves.
async fn draft(api: &Api, kind: Kind, request: Request) -> Result<Draft, Problem> {
    let body = body::read(request, body::WHOLE).await?;
    let egress = api.egress.clone();
    let read = tokio::task::spawn_blocking(move || {
        Draft::read(kind, json(&body)?, &egress).map_err(|it| Problem::invalid(&it))
    });
    // It fails to join only when the runtime ends.
    read.await.unwrap_or(Err(Problem::new(STORE_UNAVAILABLE)))
}

fn json(body: &[u8]) -> Result<Json, Problem> {
    Json::parse(body).map_err(|it| Problem::new(MALFORMED).detail(it.to_string()))
}

/// Where `request` comes from.
pub(crate) fn origin(request: &Request) -> Origin {
    let extensions = request.extensions();
    Origin {
        address: extensions.get::<SocketAddr>().map(SocketAddr::ip),
        request: extensions.get::<RequestId>().map_or("", RequestId::as_str).to_owned(),
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>, Problem> {
    let mut revisions = Vec::new();
    let mut lines = headers.get_all(IF_MATCH).iter().peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    for line in lines {
        // What cannot be read matches nothing.
        let line = line.to_str().map_err(|_| Problem::new(PRECONDITION_FAILED))?;
        for tag in line.split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Some(IfMatch::Any));
            }
            let number = tag.strip_prefix("\"r").and_then(|it| it.strip_suffix('"'));
            revisions.extend(number.and_then(|it| it.parse::<u64>().ok()));
        }
    }
    Ok(Some(IfMatch::ChangedIn(revisions)))
}

fn wall_ms(api: &Api) -> i64 {
    i64::try_from(api.clock.now().wall.as_millis()).unwrap_or(i64::MAX)
}

const PATIENCE: Duration = Duration::from_secs(1);
