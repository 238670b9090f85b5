//! For how long a caller that was let in may stay: a revoked or expired credential ends the streams
//! that it opened.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use rrcore::{Clock, Identity, Validity};
use tokio::time::Sleep;

use crate::data_plane::exchange::Exchange;
use crate::data_plane::router::Live;
use crate::model::{Authentication, Consumer, Known, Lapse};

/// What a caller has come in with, and where that is looked up again.
#[derive(Clone)]
pub struct Tenure {
    live: Live,
    clock: Clock,
    client: Arc<str>,
    proxy: Arc<str>,
    caller: Arc<Consumer>,
    // When its token ends, where it has one (time since the Unix epoch).
    until: Option<Duration>,
    // Whom to ask whether it was taken back, where it is one that its issuer is asked about.
    validity: Option<Arc<dyn Validity>>,
}

impl Tenure {
    /// The tenure of a request's caller; `None` where nobody has been let in.
    pub fn of(exchange: &Exchange, live: &Live) -> Option<Self> {
        let (caller, client, proxy) = {
            let notes = exchange.notes();
            let proxy = notes.proxy.as_ref()?;
            (notes.caller.clone()?, Arc::clone(&proxy.client), Arc::clone(&proxy.id))
        };
        let context = exchange.context();
        let identity = context.identity();
        let until = identity.and_then(Identity::expires_at);
        let validity = identity.and_then(Identity::validity).cloned();
        let (live, clock) = (live.clone(), context.clock().clone());
        Some(Self { live, clock, client, proxy, caller, until, validity })
    }

    /// Why the caller would not be let in any more. A proxy that is gone, or lets everybody in, lets
    /// finish what has begun: for as long as the credential is good.
    fn lapse(&self) -> Option<Lapse> {
        let now = self.clock.now();
        if self.until.is_some_and(|it| it <= now.wall) {
            return Some(Lapse::Expired);
        }
        let lapse = self.said(|it| it.lapse(self.caller.version, now.wall));
        let is_taken_back = || self.validity.as_ref().is_some_and(|it| !it.holds(now));
        lapse.or_else(|| is_taken_back().then_some(Lapse::Revoked))
    }

    /// Whether what goes on may go on. What was opened by a token or a certificate ends also when
    /// these are verified in another way: nobody can tell any more whether that one would be good.
    pub fn holds(&self) -> bool {
        let new_terms = |it: &Known| {
            (it.credential.caller.terms != self.caller.terms).then_some(Lapse::Revoked)
        };
        self.lapse().or_else(|| self.said(new_terms)).is_none()
    }

    // What is said of the caller's credential as it is now.
    fn said(&self, say: impl Fn(&Known) -> Option<Lapse>) -> Option<Lapse> {
        let routes = self.live.current();
        let (routes, id) = (routes.as_ref()?, &self.caller.credential);
        let is_bound = match routes.table.get(&self.proxy).map(|it| &it.proxy.authentication) {
            None | Some(Authentication::None { .. }) => true,
            Some(Authentication::Credentials { bound, .. }) => bound.contains(id),
        };
        let known = routes.callers.get(&self.client).and_then(|it| it.known.get(id));
        known.filter(|_| is_bound).map_or(Some(Lapse::Revoked), say)
    }
}

/// Notes who is being served.
pub fn noted<B>(request: Request<B>) -> Request<B> {
    let extensions = request.extensions();
    if let (Some(exchange), Some(caller)) =
        (extensions.get::<Exchange>(), extensions.get::<Arc<Consumer>>())
    {
        exchange.notes().caller = Some(Arc::clone(caller));
    }
    request
}

/// Drives `work` for as long as the caller may stay.
///
/// # Errors
/// Why he may not.
pub async fn within<F: Future>(
    exchange: &Exchange,
    live: &Live,
    work: F,
) -> Result<F::Output, Lapse> {
    let mut work = pin!(work);
    loop {
        let tick = tokio::time::sleep(TICK);
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            () = tick => {}
        }
        if let Some(lapse) = Tenure::of(exchange, live).and_then(|it| it.lapse()) {
            return Err(lapse);
        }
    }
}

/// Looks from time to time whether a tenure still holds, while a body is relayed.
pub struct Watch {
    tenure: Option<Tenure>,
    next: Duration,
    // Made when the body first pauses: most never do.
    tick: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    /// Looks after `tenure`; nothing to do where there is none.
    pub fn over(tenure: Option<Tenure>) -> Self {
        let next = tenure.as_ref().map_or(Duration::MAX, |it| it.clock.monotonic() + TICK);
        Self { tenure, next, tick: None }
    }

    /// Whether the tenure has ended. `is_paused`: the body has nothing to relay now, so it is this
    /// that has to wake the task.
    pub fn poll_ended(&mut self, cx: &mut Context<'_>, is_paused: bool) -> bool {
        let Some(tenure) = &self.tenure else { return false };
        if tenure.clock.monotonic() >= self.next {
            if !tenure.holds() {
                return true;
            }
            self.next = tenure.clock.monotonic() + TICK;
        }
        if !is_paused {
            return false;
        }
        loop {
            let tick = self.tick.get_or_insert_with(|| Box::pin(tokio::time::sleep(TICK)));
            match tick.as_mut().poll(cx) {
                Poll::Pending => return false,
                Poll::Ready(()) if !tenure.holds() => return true,
                Poll::Ready(()) => self.tick = None,
            }
        }
    }
}

/// The credential that opened a stream is no longer good.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the credential that opened this stream is no longer good")]
pub struct Ended;

impl fmt::Debug for Tenure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenure").field("caller", &self.caller.credential).finish_non_exhaustive()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("tenure", &self.tenure).finish_non_exhaustive()
    }
}

/// Streams end within a second of the revision that revokes their credential.
const TICK: Duration = Duration::from_millis(500);
