//! The one table of routes: the router serves it, and the OpenAPI document and the docs print it.

use axum::http::Method;

use crate::control_plane::api::guides::Guide;
use crate::control_plane::api::resources::Verb;
use crate::control_plane::api::{activity, requests};
use crate::control_plane::config::resource::Kind;

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// With parameters in braces, as OpenAPI and the router both write them.
    pub(crate) path: String,
    pub(crate) action: Action,
    /// Under which heading it is documented.
    pub(crate) tag: &'static str,
    pub(crate) summary: String,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Something with resources of the kind; what hangs on something, on one of the second kind.
    Resource(Verb, Kind, Option<Kind>),
    ListRequests,
    ListProxyRequests,
    GetProxyRequest,
    ListActivity,
    ListUsage,
    ListNotifications,
    CurrentRevision,
    Explain,
    Diff,
    RotateVault,
    Live,
    Ready,
    Metrics,
    OpenApi,
    Docs,
    Guide(Guide),
    Style,
    Home,
}

impl Action {
    /// Whether the owner's token is asked for.
    pub(crate) const fn needs_token(self) -> bool {
        match self {
            Self::Resource(..)
            | Self::ListRequests
            | Self::ListProxyRequests
            | Self::GetProxyRequest
            | Self::ListActivity
            | Self::ListUsage
            | Self::ListNotifications
            | Self::CurrentRevision
            | Self::Explain
            | Self::Diff
            | Self::RotateVault => true,
            Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::OpenApi
            | Self::Docs
            | Self::Guide(_)
            | Self::Style
            | Self::Home => false,
        }
    }

    /// The parameters that its query may have.
    pub(crate) fn query(self) -> Vec<&'static str> {
        let page = ["limit", "cursor"].into_iter();
        match self {
            Self::Resource(Verb::List, ..) | Self::ListUsage | Self::ListNotifications => {
                page.collect()
            }
            Self::ListRequests | Self::ListProxyRequests => page.chain(requests::FILTERS).collect(),
            Self::ListActivity => page.chain(activity::FILTERS).collect(),
            Self::Resource(
                Verb::Create | Verb::Get | Verb::Put | Verb::Patch | Verb::Delete | Verb::Rotate,
                ..,
            )
            | Self::GetProxyRequest
            | Self::CurrentRevision
            | Self::Explain
            | Self::Diff
            | Self::RotateVault
            | Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::OpenApi
            | Self::Docs
            | Self::Guide(_)
            | Self::Style
            | Self::Home => Vec::new(),
        }
    }
}

/// Every operation there is.
pub(crate) fn routes() -> Vec<Route> {
    let mut all = Vec::new();
    for kind in Kind::PARENTS {
        all.extend(collection(kind, None));
        for hanging in kind.hanging() {
            all.extend(collection(*hanging, Some(kind)));
        }
    }
    all.push(rotation());
    all.extend(QUESTIONS.map(|(path, action, summary)| Route {
        method: Method::POST,
        path: path.to_owned(),
        action,
        tag: "explain",
        summary: summary.to_owned(),
    }));
    all.push(Route {
        method: Method::POST,
        path: "/v1/vault/rotate".to_owned(),
        action: Action::RotateVault,
        tag: "vault",
        summary: ROTATE_VAULT.to_owned(),
    });
    all.extend(CONFIGURATION.map(|(method, verb, summary)| Route {
        method,
        path: format!("{CLIENT}/configuration"),
        action: Action::Resource(verb, Kind::Configuration, None),
        tag: Kind::Configuration.segment(),
        summary: summary.to_owned(),
    }));
    all.extend(FIXED.map(|(path, action, tag, summary)| Route {
        method: Method::GET,
        path: path.to_owned(),
        action,
        tag,
        summary: summary.to_owned(),
    }));
    all.extend(Guide::ALL.map(|guide| Route {
        method: Method::GET,
        path: guide.path().to_owned(),
        action: Action::Guide(guide),
        tag: "system",
        summary: guide.summary().to_owned(),
    }));
    all
}

fn rotation() -> Route {
    Route {
        method: Method::POST,
        path: format!("{CLIENT}/credentials/{{id}}/rotate"),
        action: Action::Resource(Verb::Rotate, Kind::Credential, None),
        tag: Kind::Credential.segment(),
        summary: ROTATE.to_owned(),
    }
}

fn collection(kind: Kind, parent: Option<Kind>) -> [Route; 6] {
    let (list, id) = match parent {
        None => (format!("{CLIENT}/{}", kind.segment()), "{id}".to_owned()),
        Some(parent) => (
            format!("{CLIENT}/{}/{{id}}/{}", parent.segment(), kind.segment()),
            format!("{{{}Id}}", kind.word()),
        ),
    };
    let one = format!("{list}/{id}");
    let of = parent.map(|it| format!(" of a {}", it.word())).unwrap_or_default();
    let (word, words) = (kind.word(), kind.segment());
    let route = |method, path: &str, verb, summary| Route {
        method,
        path: path.to_owned(),
        action: Action::Resource(verb, kind, parent),
        tag: words,
        summary,
    };
    [
        route(Method::GET, &list, Verb::List, format!("List the {words}{of}")),
        route(Method::POST, &list, Verb::Create, format!("Create a {word}{of}")),
        route(Method::GET, &one, Verb::Get, format!("Show a {word}{of}")),
        route(Method::PUT, &one, Verb::Put, format!("Create or replace a {word}{of}")),
        route(Method::PATCH, &one, Verb::Patch, format!("Change members of a {word}{of}")),
        route(Method::DELETE, &one, Verb::Delete, format!("Delete a {word}{of}")),
    ]
}

const CLIENT: &str = "/v1/clients/{client}";

const QUESTIONS: [(&str, Action, &str); 2] = [
    (
        "/v1/explain",
        Action::Explain,
        "Say what would become of a request, stage by stage: nothing is sent, and nothing counted",
    ),
    (
        "/v1/explain/diff",
        Action::Diff,
        "Say what other rules on a proxy, target or credential would make of requests: those of \
         the newest audit records, or described ones. Compared is this one scope: what the others \
         say does not count. Nothing is written",
    ),
];

const ROTATE: &str = "Give a credential a new secret; the one before stays good for a while";
const ROTATE_VAULT: &str = "Make a new master key, seal every secret anew under it, and do away \
     with the old key. Answered when that is done; everything is served meanwhile";

// It is there from the start, and stays.
const CONFIGURATION: [(Method, Verb, &str); 3] = [
    (Method::GET, Verb::Get, "Show what holds for the whole client"),
    (Method::PUT, Verb::Put, "Replace what holds for the whole client"),
    (Method::PATCH, Verb::Patch, "Change what holds for the whole client"),
];

type Fixed = (&'static str, Action, &'static str, &'static str);

const FIXED: [Fixed; 14] = [
    (
        "/v1/clients/{client}/requests",
        Action::ListRequests,
        "requests",
        "List the audit records of all proxies, newest first",
    ),
    (
        "/v1/clients/{client}/proxies/{id}/requests",
        Action::ListProxyRequests,
        "requests",
        "List the audit records of a proxy, newest first",
    ),
    (
        "/v1/clients/{client}/proxies/{id}/requests/{requestId}",
        Action::GetProxyRequest,
        "requests",
        "Show an audit record of a proxy",
    ),
    (
        "/v1/clients/{client}/activity",
        Action::ListActivity,
        "activity",
        "List who changed what, newest first",
    ),
    (
        "/v1/clients/{client}/usage",
        Action::ListUsage,
        "usage",
        "List what was spent of the limits and meters of each proxy",
    ),
    (
        "/v1/clients/{client}/notifications",
        Action::ListNotifications,
        "usage",
        "List which limits have passed 80 and 100 percent since the start, newest first",
    ),
    (
        "/v1/revisions/current",
        Action::CurrentRevision,
        "revisions",
        "Show the current revision, and which data planes serve it",
    ),
    ("/v1/openapi.json", Action::OpenApi, "system", "Describe this API"),
    ("/docs", Action::Docs, "system", "Describe this API to people"),
    ("/docs.css", Action::Style, "system", "How that looks"),
    ("/livez", Action::Live, "system", "Say that the process runs"),
    ("/readyz", Action::Ready, "system", "Say whether requests would be served"),
    (
        "/metrics",
        Action::Metrics,
        "system",
        "Say how it does, in numbers (Prometheus, OpenMetrics): to who calls from this machine, or shows a token",
    ),
    ("/", Action::Home, "system", "Lead to the docs"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_operation_is_there_twice_and_all_of_v1_but_its_description_needs_a_token() {
        let mut seen = HashSet::new();
        for route in routes() {
            assert!(seen.insert((route.method.clone(), route.path.clone())), "{route:?}");
            let is_open = !route.path.starts_with("/v1/") || route.path == "/v1/openapi.json";
            assert_eq!(route.action.needs_token(), !is_open, "{route:?}");
        }
    }
}
