//! Says what other rules would make of requests, before they are written.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;

use crate::control_plane::api::history::History;
use crate::control_plane::api::problem::{
    CONFLICT, MALFORMED, NOT_FOUND, Problem, STORE_UNAVAILABLE,
};
use crate::control_plane::api::state::Api;
use crate::control_plane::api::{body, render};
use crate::control_plane::config::comparison::{Comparison, NotComparable};
use crate::control_plane::config::proposal::{Proposal, TriedOn};
use crate::control_plane::config::snapshot::Config;

/// Compares the rules that `request` proposes with those that are there.
pub(crate) async fn answer(api: &Api, request: Request) -> Result<Response, Problem> {
    let body = body::read(request, body::WHOLE).await?;
    let permit = Arc::clone(&api.comparing).acquire_owned().await;
    let permit = permit.map_err(|_| Problem::new(STORE_UNAVAILABLE))?;
    let snapshot = api.writer.current();
    let of = Arc::clone(&snapshot);
    let (permit, begun) = aside(permit, move || begin(&body, &of.config)).await?;
    let (mut comparison, history) = begun?;
    let Some(mut history) = history else { return Ok(shown(&comparison)) };
    let mut permit = permit;
    loop {
        let page = history.page(&api.records).await?;
        if page.is_empty() {
            return Ok(shown(&comparison));
        }
        let compare = move || {
            comparison.records(&page);
            comparison
        };
        (permit, comparison) = aside(permit, compare).await?;
    }
}

// All there is to do where the requests are given; else the records that are to be read.
fn begin(body: &[u8], config: &Config) -> Result<(Comparison, Option<History>), Problem> {
    let read = Proposal::read(body);
    let read = read.map_err(|it| Problem::new(MALFORMED).detail(it.to_string()))?;
    let proposal = read.map_err(|it| Problem::invalid(&it))?;
    let mut comparison = Comparison::new(config, &proposal).map_err(problem)?;
    let history = match &proposal.tried_on {
        TriedOn::Records(limit) => Some(History::of(config, &proposal.on, *limit)),
        TriedOn::Requests(requests) => {
            comparison.requests(requests);
            None
        }
    };
    Ok((comparison, history))
}

fn problem(why: NotComparable) -> Problem {
    match why {
        NotComparable::NotFound => Problem::new(NOT_FOUND),
        NotComparable::Invalid(flaws) => Problem::invalid(&flaws),
        NotComparable::Unservable(error) => {
            // It denies everything, which is hardly what anybody wants to compare with.
            Problem::new(CONFLICT).detail(format!("{error}. Write it anew, or delete it"))
        }
    }
}

fn shown(comparison: &Comparison) -> Response {
    render::json(StatusCode::OK, &comparison.shown())
}

// Not on a thread that serves. The permit goes with the work, which goes on where nobody waits for
// it any more.
async fn aside<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<(OwnedSemaphorePermit, T), Problem> {
    let done = tokio::task::spawn_blocking(move || (permit, work())).await;
    // It fails to join only when the runtime ends.
    done.map_err(|_| Problem::new(STORE_UNAVAILABLE))
}
