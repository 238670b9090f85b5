//! Shows who changed what.

use axum::http::Uri;
use axum::response::Response;

use crate::control_plane::api::newest;
use crate::control_plane::api::page::Page;
use crate::control_plane::api::problem::Problem;
use crate::control_plane::api::state::Api;
use crate::control_plane::config::activity::{Action, VAULT};
use crate::control_plane::config::resource::Kind;
use crate::control_plane::store::query::ActivityQuery;

/// What the list can be narrowed down by.
pub(crate) const FILTERS: [&str; 5] = ["resourceType", "resourceId", "action", "after", "before"];

/// What was written.
pub(crate) async fn list(api: &Api, uri: &Uri) -> Result<Response, Problem> {
    let page = Page::read(uri, LIST, &FILTERS)?;
    let query = ActivityQuery {
        at: page.span()?,
        kind: page.parsed("resourceType", kind)?,
        resource: page.filter("resourceId"),
        action: page.parsed("action", action)?,
    };
    newest::list(&api.activity, &page, LIST, |before, limit| query.select(before, limit)).await
}

fn kind(text: &str) -> Result<&'static str, &'static str> {
    let kind = Kind::ALL.map(Kind::word).into_iter().chain([VAULT]).find(|it| *it == text);
    kind.ok_or("expected credential, target, proxy, rule, filter, meter, configuration or vault")
}

fn action(text: &str) -> Result<Action, &'static str> {
    let action = Action::ALL.into_iter().find(|it| it.word() == text);
    action.ok_or("expected create, update, delete or rotate")
}

const LIST: &str = "activity";
