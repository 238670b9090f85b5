//! Waits for the credential source or a verifier if it must, then for the inner service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{Body, GuardFuture};
use tower_service::Service;

use crate::inbound::admission::Settings;
use crate::inbound::credential::Credential;
use crate::inbound::judge::Rejection;
use crate::inbound::proof::Proof;
use crate::inbound::shown::{Shown, Way};
use crate::inbound::source::CredentialSource;
use crate::inbound::verifiers::Asked;
use crate::inbound::verify::VerdictFuture;

pin_project! {
    /// Resolves to the inner response, or to a refusal that never reached the inner service.
    ///
    /// Dropping it while it waits drops the request: nothing is forwarded.
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
        Looking {
            #[pin] lookup: C::Future,
            looking: Option<Box<Looking<S, B, C::Caller>>>,
        },
        Verifying {
            verdict: VerdictFuture<C::Caller>,
            waiting: Option<Box<Waiting<S, B, C::Caller>>>,
        },
    }
}

/// Everything that is needed once it is known who is calling.
pub(crate) struct Waiting<S, B, T> {
    pub(crate) inner: S,
    pub(crate) settings: Arc<Settings<T>>,
    pub(crate) request: Request<B>,
}

struct Looking<S, B, T> {
    shown: Shown,
    waiting: Box<Waiting<S, B, T>>,
}

impl<S, C, B> AuthFuture<S, C, B>
where
    S: Service<Request<B>>,
    C: CredentialSource,
{
    pub(crate) const fn decided(guard: GuardFuture<S::Future>) -> Self {
        Self { state: State::Decided { guard } }
    }

    pub(crate) fn looking(
        lookup: C::Future,
        shown: Shown,
        waiting: Box<Waiting<S, B, C::Caller>>,
    ) -> Self {
        let looking = Some(Box::new(Looking { shown, waiting }));
        Self { state: State::Looking { lookup, looking } }
    }

    pub(crate) fn verifying(
        verdict: VerdictFuture<C::Caller>,
        waiting: Box<Waiting<S, B, C::Caller>>,
    ) -> Self {
        Self { state: State::Verifying { verdict, waiting: Some(waiting) } }
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
        loop {
            let next = match state.as_mut().project() {
                StateProj::Decided { guard } => return guard.poll(cx),
                StateProj::Looking { lookup, looking } => {
                    let found = ready!(lookup.poll(cx));
                    // Always there: this state is replaced below.
                    let Some(looking) = looking.take() else { return Poll::Pending };
                    let Looking { shown, waiting } = *looking;
                    match found {
                        Ok(Some(credential)) => let_in(*waiting, shown.way, credential),
                        Ok(None) => ask(waiting, &shown),
                        Err(error) => conclude(*waiting, Err(error.into())),
                    }
                }
                StateProj::Verifying { verdict, waiting } => {
                    let said = ready!(verdict.as_mut().poll(cx));
                    let Some(waiting) = waiting.take() else { return Poll::Pending };
                    conclude(*waiting, said.map_err(Rejection::from))
                }
            };
            state.set(next);
        }
    }
}

fn let_in<S, C, B, R>(
    waiting: Waiting<S, B, C::Caller>,
    way: Way,
    credential: Arc<Credential<C::Caller>>,
) -> State<S, C, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    C: CredentialSource,
{
    let Waiting { mut inner, settings, mut request } = waiting;
    let guest = settings.let_in(way, credential.into(), settings.context(&mut request));
    State::Decided {
        guard: match guest {
            Ok(guest) => settings.pass_on(guest, request, &mut inner),
            Err(rejection) => settings.reject(request, rejection),
        },
    }
}

fn ask<S, C, B, R>(mut waiting: Box<Waiting<S, B, C::Caller>>, shown: &Shown) -> State<S, C, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    C: CredentialSource,
{
    let Waiting { settings, request, .. } = &mut *waiting;
    match settings.verifiers.ask(settings.context(request), shown) {
        Asked::Known(proved) => conclude(*waiting, proved),
        Asked::Waiting(verdict) => State::Verifying { verdict, waiting: Some(waiting) },
    }
}

fn conclude<S, C, B, R>(
    waiting: Waiting<S, B, C::Caller>,
    proved: Result<Proof<C::Caller>, Rejection>,
) -> State<S, C, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    C: CredentialSource,
{
    let Waiting { mut inner, settings, request } = waiting;
    State::Decided { guard: settings.conclude(proved, request, &mut inner) }
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
