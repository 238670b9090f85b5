//! Asks the rules, and reads the body of a request for those that need it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{
    Body, Budget, BufferedBody, Clock, Context, GuardFuture, Outcome, ReadBody, ReadOutcome, Stage,
};
use tower_service::Service;

use crate::admit::{Known, Refused, Step, admit, admit_read};
use crate::policy::{InForce, Policy};

/// Lets a request through when all four scopes allow it, under the path that they judged.
///
/// Reads the body only when a rule asks for it whose other criteria are met, and then once for all
/// stages ([`BufferedBody`]). What goes on is byte for byte what was judged.
#[derive(Clone, Debug)]
pub struct BodyRules<S> {
    inner: S,
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) policy: Arc<Policy>,
    pub(crate) clock: Clock,
    pub(crate) max_body_bytes: usize,
    pub(crate) budget: Option<Budget>,
}

pin_project! {
    /// The response of a [`BodyRules`] service.
    pub struct BodyRulesFuture<S, B>
    where
        S: Service<Request<Body<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, F> {
        Decided { #[pin] future: GuardFuture<F> },
        // Boxed: few requests wait here, and all would be as large.
        Reading { waiting: Box<Waiting<S, B>> },
    }
}

struct Waiting<S, B> {
    read: ReadBody<B>,
    inner: S,
    shared: Arc<Shared>,
    in_force: InForce<'static>,
    context: Context,
}

impl<S> BodyRules<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BodyRules<S>
where
    S: Service<Request<Body<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: http_body::Body<Data = Bytes> + Unpin,
    ReqBody::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = BodyRulesFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let shared = &self.shared;
        let context = Context::of(request.extensions_mut(), &shared.clock);
        let nothing = Bytes::new();
        let body = match request.body().is_end_stream() {
            true => Known::Is(&nothing),
            false => Known::ToBeRead,
        };
        let admitted = admit(&shared.policy, &mut request, body, shared.max_body_bytes);
        let in_force = match admitted {
            Ok(Step::ReadBody(in_force)) => in_force,
            Ok(Step::On(facts)) => {
                context.record(Stage::Rules, Outcome::Passed, facts);
                let request = request.map(Body::inner);
                return BodyRulesFuture::decided(GuardFuture::forward(self.inner.call(request)));
            }
            Err(refused) => return BodyRulesFuture::decided(refuse(&context, refused)),
        };
        let mut read = BufferedBody::read(request, shared.max_body_bytes);
        if let Some(budget) = &shared.budget {
            read = read.budget(budget);
        }
        // The one that was polled ready is the one that is called.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let shared = Arc::clone(shared);
        let waiting = Box::new(Waiting { read, inner, shared, in_force, context });
        BodyRulesFuture { state: State::Reading { waiting } }
    }
}

impl<S, B> BodyRulesFuture<S, B>
where
    S: Service<Request<Body<B>>>,
{
    const fn decided(future: GuardFuture<S::Future>) -> Self {
        Self { state: State::Decided { future } }
    }
}

impl<S, B, ResBody> Future for BodyRulesFuture<S, B>
where
    S: Service<Request<Body<B>>, Response = Response<ResBody>>,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Output = Result<Response<Body<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let waiting = match this.state.as_mut().project() {
                StateProj::Decided { future } => return future.poll(cx),
                StateProj::Reading { waiting } => waiting,
            };
            let outcome = ready!(Pin::new(&mut waiting.read).poll(cx));
            let future = waiting.decide(outcome);
            this.state.set(State::Decided { future });
        }
    }
}

impl<S, B> Waiting<S, B>
where
    S: Service<Request<Body<B>>>,
{
    fn decide(&mut self, outcome: ReadOutcome<B>) -> GuardFuture<S::Future> {
        let (mut request, fault) = match outcome {
            ReadOutcome::Whole(request) => (request, GONE),
            ReadOutcome::TooLarge(request) => (request, TOO_LARGE),
            ReadOutcome::Failed(refusal) => {
                return GuardFuture::answer(self.context.refuse(refusal));
            }
        };
        let Shared { policy, max_body_bytes, .. } = &*self.shared;
        let data = request.extensions().get::<BufferedBody>().map(|it| it.data().clone());
        let body = match &data {
            Some(data) if data.len() <= *max_body_bytes => Known::Is(data),
            Some(_) => Known::NotInspectable(TOO_LARGE),
            None => Known::NotInspectable(fault),
        };
        match admit_read(policy, &self.in_force, &mut request, body, *max_body_bytes) {
            Ok(facts) => {
                self.context.record(Stage::Rules, Outcome::Passed, facts);
                GuardFuture::forward(self.inner.call(request))
            }
            Err(refused) => refuse(&self.context, refused),
        }
    }
}

fn refuse<F>(context: &Context, (refusal, facts): Refused) -> GuardFuture<F> {
    GuardFuture::answer(context.refuse_with(refusal, facts))
}

const TOO_LARGE: &str = "it is larger than maxBodyBytes";
const GONE: &str = "it was read and is gone";

impl<S, B> fmt::Debug for BodyRulesFuture<S, B>
where
    S: Service<Request<Body<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyRulesFuture").finish_non_exhaustive()
    }
}
