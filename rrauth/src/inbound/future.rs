//! Waits for the credential source if it must, then for the inner service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{Body, Context, GuardFuture};
use tower_service::Service;

use crate::inbound::admission::Settings;
use crate::inbound::judge::Rejection;
use crate::inbound::places::Shown;
use crate::inbound::source::CredentialSource;

pin_project! {
    /// Resolves to the inner response, or to a refusal that never reached the inner service.
    ///
    /// Dropping it while it waits for the source drops the request: nothing is forwarded.
    pub struct AuthFuture<S, C, B>
    where
        S: Service<Request<B>>,
        C: CredentialSource,
    {
        #[pin]
        state: State<S, C, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, C, B>
    where
        S: Service<Request<B>>,
        C: CredentialSource,
    {
        Decided { #[pin] guard: GuardFuture<S::Future> },
        // Boxed: a source in memory never waits, and should not pay for the room.
        Waiting { #[pin] lookup: C::Future, waiting: Option<Box<Waiting<S, B>>> },
    }
}

/// Everything that is needed once the source has answered.
pub(crate) struct Waiting<S, B> {
    pub(crate) inner: S,
    pub(crate) settings: Arc<Settings>,
    pub(crate) context: Context,
    pub(crate) shown: Shown,
    pub(crate) request: Request<B>,
}

impl<S, C, B> AuthFuture<S, C, B>
where
    S: Service<Request<B>>,
    C: CredentialSource,
{
    pub(crate) const fn decided(guard: GuardFuture<S::Future>) -> Self {
        Self { state: State::Decided { guard } }
    }

    pub(crate) fn waiting(lookup: C::Future, waiting: Waiting<S, B>) -> Self {
        Self { state: State::Waiting { lookup, waiting: Some(Box::new(waiting)) } }
    }
}

impl<S, C, B, R> Future for AuthFuture<S, C, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    C: CredentialSource,
{
    type Output = Result<Response<Body<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let (found, waiting) = match state.as_mut().project() {
            StateProj::Decided { guard } => return guard.poll(cx),
            StateProj::Waiting { lookup, waiting } => {
                let found = ready!(lookup.poll(cx));
                // Always there: the next line but one replaces this state.
                let Some(waiting) = waiting.take() else { return Poll::Pending };
                (found, waiting)
            }
        };
        let Waiting { mut inner, settings, context, shown, request } = *waiting;
        let found = found.as_ref().map(Option::as_deref).map_err(|it| Rejection::from(it.clone()));
        let guard = settings.admit(&context, shown, found, request, &mut inner);
        state.set(State::Decided { guard });
        match state.project() {
            StateProj::Decided { guard } => guard.poll(cx),
            StateProj::Waiting { .. } => Poll::Pending,
        }
    }
}

impl<S, C, B> fmt::Debug for AuthFuture<S, C, B>
where
    S: Service<Request<B>>,
    C: CredentialSource,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthFuture").finish_non_exhaustive()
    }
}
