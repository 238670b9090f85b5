//! Shows what was written down: newest first, in pages, read only.

use axum::response::Response;
use serde_json::Value;

use crate::control_plane::api::page::{self, Page};
use crate::control_plane::api::problem::{Problem, STORE_UNAVAILABLE};
use crate::control_plane::api::render;
use crate::control_plane::store::reader::{Reader, Select};

/// The page of the list named `name` that `page` asks for. `select` is given the position to start
/// from, and how many rows to find.
pub(crate) async fn list(
    reader: &Reader,
    page: &Page,
    name: &str,
    select: impl FnOnce(Option<u64>, usize) -> Select,
) -> Result<Response, Problem> {
    // One more than is shown tells whether there are more.
    let mut found = find(reader, select(page.cursor, page.limit + 1)).await?;
    let is_last = found.len() <= page.limit;
    found.truncate(page.limit);
    let last = found.last().map(|(position, _)| *position).filter(|_| !is_last);
    let items: Vec<_> = found.into_iter().map(|(_, item)| item).collect();
    Ok(render::page(&items, last.map(|it| page::cursor(it, name)).as_deref()))
}

/// What `select` finds, each with its position.
pub(crate) async fn find(reader: &Reader, select: Select) -> Result<Vec<(u64, Value)>, Problem> {
    reader.find(select).await.map_err(|error| {
        tracing::error!(%error, "what was written down could not be read");
        Problem::new(STORE_UNAVAILABLE)
    })
}
