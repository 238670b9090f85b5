//! Makes the router out of the table of routes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use crate::control_plane::api::guard::guard;
use crate::control_plane::api::problem::{METHOD_NOT_ALLOWED, NOT_FOUND, NOT_READY, Problem};
use crate::control_plane::api::routes::{Action, routes};
use crate::control_plane::api::state::Api;
use crate::control_plane::api::{
    activity, auth, diff, docs, explain, metrics, notifications, openapi, requests, resources,
    revisions, usage, vault,
};
use crate::control_plane::config::resource::{Collection, Key};
use crate::control_plane::config::shown::CLIENT;

/// Everything that the control listener serves.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        // A method that no filter knows is not served; a test holds the table against the router.
        let Ok(filter) = MethodFilter::try_from(route.method) else { continue };
        let action = route.action;
        router = router.route(
            &route.path,
            on(
                filter,
                move |State(api): State<Arc<Api>>, parameters, request: Request| async move {
                    serve(&api, action, &Parameters::of(parameters), request).await
                },
            ),
        );
    }
    router
        .fallback(async || Problem::new(NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::new(METHOD_NOT_ALLOWED))
        .layer(from_fn_with_state(Arc::clone(&api), guard))
        .with_state(api)
}

async fn serve(
    api: &Api,
    action: Action,
    parameters: &Option<Parameters>,
    request: Request,
) -> Result<Response, Problem> {
    if action.needs_token() {
        auth::authenticate(&api.owner, request.headers())?;
    }
    // A path that is no text names nothing.
    let parameters = parameters.as_ref().ok_or(Problem::new(NOT_FOUND))?;
    // There is one tenant; what belongs to others looks like what does not exist.
    if parameters.get("client").is_some_and(|it| it != CLIENT) {
        return Err(Problem::new(NOT_FOUND));
    }
    let id = parameters.get("id").unwrap_or_default();
    let uri = request.uri().clone();
    match action {
        Action::Resource(verb, kind, None) => {
            let id = kind.only().unwrap_or(id);
            resources::serve(api, verb, Collection::top(kind), id, request).await
        }
        Action::Resource(verb, kind, Some(parent)) => {
            let collection = Collection::under(kind, &Key::top(parent, id));
            let id = parameters.get(&format!("{}Id", kind.word())).unwrap_or_default();
            resources::serve(api, verb, collection, id, request).await
        }
        Action::ListRequests => requests::list(api, None, &uri).await,
        Action::ListProxyRequests => requests::list(api, Some(id), &uri).await,
        Action::GetProxyRequest => {
            requests::get(api, id, parameters.get("requestId").unwrap_or_default()).await
        }
        Action::ListActivity => activity::list(api, &uri).await,
        Action::ListUsage => usage::list(api, &request),
        Action::ListNotifications => notifications::list(api, &request),
        Action::CurrentRevision => Ok(revisions::current(api)),
        Action::Explain => explain::answer(api, request).await,
        Action::Diff => diff::answer(api, request).await,
        Action::RotateVault => vault::rotate(api, resources::origin(&request)).await,
        Action::Live => Ok(text("text/plain; charset=utf-8", "live\n")),
        Action::Ready if api.is_ready() => Ok(text("text/plain; charset=utf-8", "ready\n")),
        Action::Ready => Err(Problem::new(NOT_READY)),
        Action::Metrics => metrics::answer(api, &request),
        Action::OpenApi => Ok(text("application/json", openapi::document())),
        Action::Docs => Ok(text("text/html; charset=utf-8", docs::page())),
        Action::Guide(guide) => Ok(text("text/html; charset=utf-8", guide.html())),
        Action::Style => Ok(text("text/css; charset=utf-8", docs::STYLE)),
        Action::Home => Ok(see("/docs")),
    }
}

struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    fn of<E>(parameters: Result<RawPathParams, E>) -> Option<Self> {
        let parameters = parameters.ok()?;
        let pairs = parameters.iter().map(|(name, it)| (name.to_owned(), it.to_owned()));
        Some(Self { pairs: pairs.collect() })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

fn text(kind: &'static str, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn see(path: &'static str) -> Response {
    let location: [(HeaderName, &str); 1] = [(LOCATION, path)];
    (StatusCode::SEE_OTHER, location).into_response()
}
