//! Writes the OpenAPI 3.1 document from the table of routes.

use serde_json::{Map, Value, json};

use crate::control_plane::api::resources::Verb;
use crate::control_plane::api::routes::{Action, Route, routes};
use crate::control_plane::api::{
    auth_schema, body, diff_schema, explain_schema, log_schema, meter_schema, notifications,
    rule_schema, schema, vault,
};
use crate::control_plane::config::resource::Kind;

/// The document.
pub(crate) fn document() -> String {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_lowercase(), operation(&route));
        }
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "rrgateway Core API", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    });
    document.to_string()
}

fn schemas() -> Value {
    let kinds = Kind::ALL.map(|kind| (schema::name(kind).to_owned(), schema::schema(kind)));
    let more = [
        ("Auth".to_owned(), auth_schema::auth()),
        ("Pattern".to_owned(), rule_schema::pattern()),
        ("Warning".to_owned(), rule_schema::warning()),
        ("Record".to_owned(), log_schema::record()),
        ("Activity".to_owned(), log_schema::activity()),
        ("Usage".to_owned(), meter_schema::of_proxy()),
        ("Notification".to_owned(), notifications::schema()),
        ("Question".to_owned(), explain_schema::question()),
        ("Explanation".to_owned(), explain_schema::explanation()),
        ("Proposal".to_owned(), diff_schema::proposal()),
        ("Comparison".to_owned(), diff_schema::comparison()),
        ("Rotation".to_owned(), vault::rotation()),
        ("CredentialRotation".to_owned(), auth_schema::rotation()),
        ("Problem".to_owned(), problem()),
    ];
    Value::Object(kinds.into_iter().chain(more).collect())
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": parameters(route),
        "responses": responses(route.action),
    });
    if let Some(operation) = operation.as_object_mut() {
        if route.action.needs_token() {
            operation.insert("security".to_owned(), json!([{"token": []}]));
        } else if route.action == Action::Metrics {
            operation.insert("security".to_owned(), json!([{}, {"token": []}]));
        }
        if let Some(content) = content(route.action) {
            let body = json!({"required": true, "content": content});
            operation.insert("requestBody".to_owned(), body);
        }
    }
    operation
}

fn content(action: Action) -> Option<Value> {
    let (types, schema) = match action {
        Action::Resource(Verb::Create | Verb::Put, kind, _) => (body::WHOLE, of(kind)),
        Action::Resource(Verb::Patch, kind, _) => (body::PATCH, change(kind)),
        Action::Resource(Verb::Rotate, ..) => (body::WHOLE, reference("CredentialRotation")),
        Action::Explain => (body::WHOLE, reference("Question")),
        Action::Diff => (body::WHOLE, reference("Proposal")),
        // Everything else reads.
        _ => return None,
    };
    Some(types.iter().map(|it| ((*it).to_owned(), json!({"schema": schema}))).collect())
}

fn change(kind: Kind) -> Value {
    json!({"type": "object", "description": format!(
        "Members of {} to change (RFC 7396): null takes one away, objects are merged, but for \
         `auth`, which one with a `type` takes the place of.", schema::name(kind))})
}

// `get_v1_clients_client_targets`: long, but unique and never out of date.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '.']).filter(|it| !it.is_empty());
    let method = route.method.as_str().to_lowercase();
    std::iter::once(&*method).chain(words).collect::<Vec<_>>().join("_")
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str, place, is_required| json!({"name": name, "in": place, "required": is_required, "schema": {"type": "string"}});
    let mut all: Vec<_> = in_path.map(|it| parameter(it, "path", true)).collect();
    all.extend(route.action.query().into_iter().map(|it| match it {
        "limit" => json!({"name": "limit", "in": "query",
            "schema": {"type": "integer", "minimum": 1, "default": 100}}),
        "after" | "before" => time(it),
        other => parameter(other, "query", false),
    }));
    if let Action::Resource(Verb::Put | Verb::Patch | Verb::Delete | Verb::Rotate, ..) =
        route.action
    {
        all.push(parameter("If-Match", "header", false));
    }
    all
}

fn time(name: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": "string", "format": "date-time"},
        "description": "From `after` on, and before `before`."})
}

fn responses(action: Action) -> Value {
    let plain = |what: &str| json!({"description": what});
    let shown = |schema: &Value| json!({"description": "Done", "content": {"application/json": {"schema": schema}}});
    let mut responses = match action {
        Action::Resource(Verb::List, kind, _) => json!({"200": shown(&list(&of(kind)))}),
        Action::Resource(Verb::Create, kind, _) => json!({"201": shown(&of(kind))}),
        Action::Resource(Verb::Get | Verb::Patch | Verb::Rotate, kind, _) => {
            json!({"200": shown(&of(kind))})
        }
        Action::Resource(Verb::Put, kind, _) if kind.only().is_some() => {
            json!({"200": shown(&of(kind))})
        }
        Action::Resource(Verb::Put, kind, _) => {
            json!({"200": shown(&of(kind)), "201": shown(&of(kind))})
        }
        Action::Resource(Verb::Delete, ..) => json!({"204": plain("Done")}),
        Action::ListRequests | Action::ListProxyRequests => {
            json!({"200": shown(&list(&reference("Record")))})
        }
        Action::GetProxyRequest => json!({"200": shown(&reference("Record"))}),
        Action::ListActivity => json!({"200": shown(&list(&reference("Activity")))}),
        Action::ListUsage => json!({"200": shown(&list(&reference("Usage")))}),
        Action::ListNotifications => json!({"200": shown(&list(&reference("Notification")))}),
        Action::CurrentRevision => json!({"200": shown(&json!({"type": "object"}))}),
        Action::Explain => json!({"200": shown(&reference("Explanation"))}),
        Action::Diff => json!({"200": shown(&reference("Comparison"))}),
        Action::RotateVault => json!({"200": shown(&reference("Rotation"))}),
        Action::Home => json!({"303": plain("The docs")}),
        Action::Metrics => json!({"200": {"description": "Done", "content": {
            "application/openmetrics-text": {"schema": {"type": "string"}},
            "text/plain": {"schema": {"type": "string"}}}}}),
        Action::Live
        | Action::Ready
        | Action::OpenApi
        | Action::Docs
        | Action::Guide(_)
        | Action::Style => {
            json!({"200": plain("Done")})
        }
    };
    if let Some(responses) = responses.as_object_mut() {
        for status in refusals(action) {
            responses.insert((*status).to_owned(), refusal());
        }
    }
    responses
}

const fn refusals(action: Action) -> &'static [&'static str] {
    match action {
        Action::Resource(Verb::List, ..) | Action::ListUsage | Action::ListNotifications => {
            &["401", "403", "404", "421", "422"]
        }
        Action::Resource(Verb::Create | Verb::Put | Verb::Patch | Verb::Rotate, ..) => {
            &["400", "401", "403", "404", "409", "412", "413", "415", "421", "422", "503"]
        }
        Action::Resource(Verb::Get, ..) => &["401", "403", "404", "421"],
        Action::Resource(Verb::Delete, ..) => &["401", "403", "404", "409", "412", "421", "503"],
        Action::ListRequests
        | Action::ListProxyRequests
        | Action::GetProxyRequest
        | Action::ListActivity => &["401", "403", "404", "421", "422", "503"],
        Action::CurrentRevision | Action::Metrics => &["401", "403", "421"],
        Action::Explain => &["400", "401", "403", "413", "415", "421", "422", "503"],
        Action::Diff => &["400", "401", "403", "404", "409", "413", "415", "421", "422", "503"],
        Action::RotateVault => &["401", "403", "409", "421", "503"],
        Action::Ready => &["503"],
        Action::Live => &[],
        Action::OpenApi | Action::Docs | Action::Guide(_) | Action::Style | Action::Home => {
            &["403", "421"]
        }
    }
}

fn refusal() -> Value {
    json!({"description": "Refused", "content": {"application/problem+json": {
        "schema": {"$ref": "#/components/schemas/Problem"}}}})
}

fn problem() -> Value {
    json!({"type": "object", "required": ["type", "title", "status", "code", "requestId"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"},
        "status": {"type": "integer"}, "code": {"type": "string"},
        "requestId": {"type": "string"}, "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "properties": {
            "pointer": {"type": "string"}, "detail": {"type": "string"}}}},
        "usedBy": {"type": "array", "items": {"type": "object", "properties": {
            "type": {"type": "string"}, "id": {"type": "string"}}}},
    }})
}

fn list(item: &Value) -> Value {
    json!({"type": "object", "required": ["items", "nextCursor"], "properties": {
        "items": {"type": "array", "items": item}, "nextCursor": {"type": ["string", "null"]}}})
}

fn of(kind: Kind) -> Value {
    reference(schema::name(kind))
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
