//! Checks requests, and reads the bodies of those whose body counts.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{
    Body, Budget, BufferedBody, Clock, Code, Context, Current, Facts, ReadBody, ReadOutcome,
    Refusal, Stage,
};
use tower_service::Service;

use super::shadow::{Shadowed, Watch};
use super::validator::{RequestParts, Validator};
use super::verdict::{plain, refusal, refused};
use crate::admit::canonical_path;

/// Lets a request through when it has the right shape.
///
/// What goes on is byte for byte what was checked. By an OpenAPI document, that is also the path:
/// it goes on in its canonical form ([`CanonicalPath`](crate::CanonicalPath)).
#[derive(Clone, Debug)]
pub struct Validate<S> {
    inner: S,
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// `None` lets everything pass.
    pub(super) validator: Option<Current<Validator>>,
    pub(super) clock: Clock,
    pub(super) max_body_bytes: usize,
    pub(super) budget: Option<Budget>,
    pub(super) response_bytes: Option<usize>,
}

pin_project! {
    /// The response of a [`Validate`] service.
    pub struct ValidateFuture<S, B>
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
        Forward { #[pin] inner: F, watch: Option<Box<Watch>> },
        Answer { response: Option<Box<Response<Bytes>>> },
        // Boxed: not all requests wait here, and all would be as large.
        Reading { waiting: Box<Waiting<S, B>> },
    }
}

struct Waiting<S, B> {
    read: ReadBody<B>,
    inner: S,
    check: Check,
}

// What one request is checked by, from beginning to end.
struct Check {
    validator: Arc<Validator>,
    context: Context,
    max_body_bytes: usize,
    response_bytes: Option<usize>,
}

type Refused = (Refusal, Facts);

impl<S> Validate<S> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Validate<S>
where
    S: Service<Request<Body<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: http_body::Body<Data = Bytes> + Unpin,
    ReqBody::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    ResBody: http_body::Body<Data = Bytes>,
{
    type Response = Response<Body<Shadowed<ResBody>>>;
    type Error = S::Error;
    type Future = ValidateFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let shared = &self.shared;
        let Some(validator) = &shared.validator else {
            let inner = self.inner.call(request.map(Body::inner));
            return ValidateFuture { state: State::Forward { inner, watch: None } };
        };
        let check = Check {
            validator: validator.to_arc(),
            context: Context::of(request.extensions_mut(), &shared.clock),
            max_body_bytes: shared.max_body_bytes,
            response_bytes: shared.response_bytes,
        };
        if check.validator.looks_at_paths() {
            if let Err(refusal) = canonical_path(&mut request) {
                return ValidateFuture { state: check.answer((refusal, Facts::none())) };
            }
        }
        // One that a stage before has read is there, even if nobody else would look into it.
        let is_there = request.extensions().get::<BufferedBody>().is_some();
        let is_empty = request.body().is_end_stream();
        let needs_it = check.validator.needs_body(&parts(&request));
        if needs_it && (is_there || !is_empty) {
            let mut read = BufferedBody::read(request, shared.max_body_bytes);
            if let Some(budget) = &shared.budget {
                read = read.budget(budget);
            }
            // The one that was polled ready is the one that is called.
            let next = self.inner.clone();
            let inner = std::mem::replace(&mut self.inner, next);
            let waiting = Box::new(Waiting { read, inner, check });
            return ValidateFuture { state: State::Reading { waiting } };
        }
        let body = (is_empty && !is_there).then(Bytes::new);
        let state = match check.judge(&request, body.as_ref()) {
            Ok(()) => check.forward(&mut self.inner, request.map(Body::inner)),
            Err(refused) => check.answer(refused),
        };
        ValidateFuture { state }
    }
}

impl<S, B, ResBody> Future for ValidateFuture<S, B>
where
    S: Service<Request<Body<B>>, Response = Response<ResBody>>,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    ResBody: http_body::Body<Data = Bytes>,
{
    type Output = Result<Response<Body<Shadowed<ResBody>>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Forward { inner, watch } => {
                    let response = ready!(inner.poll(cx))?;
                    let response = Shadowed::of(response, watch.take());
                    return Poll::Ready(Ok(response.map(Body::inner)));
                }
                StateProj::Answer { response } => {
                    // Polled after it resolved: a bug of the caller's, which waits for ever.
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(response.map(Body::own)));
                }
                StateProj::Reading { waiting } => {
                    let Waiting { read, inner, check } = &mut **waiting;
                    check.read(ready!(Pin::new(read).poll(cx)), inner)
                }
            };
            this.state.set(next);
        }
    }
}

impl Check {
    fn read<S, B>(&self, outcome: ReadOutcome<B>, inner: &mut S) -> State<S, B, S::Future>
    where
        S: Service<Request<Body<B>>>,
    {
        let request = match outcome {
            ReadOutcome::Whole(request) => request,
            ReadOutcome::TooLarge(_) => {
                return self.answer((refusal(Code::ContentTooLarge), Facts::none()));
            }
            ReadOutcome::Failed(refusal) => return self.answer((refusal, Facts::none())),
        };
        let body = request.extensions().get::<BufferedBody>().map(|it| it.data().clone());
        match self.judge(&request, body.as_ref()) {
            Ok(()) => self.forward(inner, request),
            Err(refused) => self.answer(refused),
        }
    }

    fn judge<B>(&self, request: &Request<B>, body: Option<&Bytes>) -> Result<(), Refused> {
        judge(&self.validator, request, body, self.max_body_bytes)
    }

    fn forward<S, B>(&self, inner: &mut S, request: Request<Body<B>>) -> State<S, B, S::Future>
    where
        S: Service<Request<Body<B>>>,
    {
        self.context.passed(Stage::Validate);
        let looks = self.validator.looks_at_responses();
        let watch = self.response_bytes.filter(|_| looks).map(|limit| {
            let target = (request.method().clone(), request.uri().path().to_owned());
            Watch::new(Arc::clone(&self.validator), self.context.clone(), target, limit)
        });
        State::Forward { inner: inner.call(request), watch }
    }

    fn answer<S, B, F>(&self, (refusal, facts): Refused) -> State<S, B, F> {
        let response = self.context.refuse_with(refusal, facts);
        State::Answer { response: Some(Box::new(response)) }
    }
}

impl Shared {
    pub(super) fn explain<B>(&self, request: &Request<B>, body: &Bytes) -> Result<(), Refusal> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let validator = validator.get();
        let is_read = body.is_empty() || validator.needs_body(&parts(request));
        if is_read && body.len() > self.max_body_bytes {
            return Err(refusal(Code::ContentTooLarge));
        }
        let body = is_read.then_some(body);
        judge(&validator, request, body, self.max_body_bytes).map_err(|(refusal, _)| refusal)
    }
}

fn judge<B>(
    validator: &Validator,
    request: &Request<B>,
    body: Option<&Bytes>,
    max_body_bytes: usize,
) -> Result<(), Refused> {
    let plain = body.map(|it| plain(request.headers(), it, max_body_bytes)).transpose();
    let plain = plain.map_err(|code| (refusal(code), Facts::none()))?;
    let checked = validator.check(&parts(request), plain.as_deref());
    checked.map_err(|invalid| refused(&invalid))
}

fn parts<B>(request: &Request<B>) -> RequestParts<'_> {
    RequestParts {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
    }
}

impl<S, B> fmt::Debug for ValidateFuture<S, B>
where
    S: Service<Request<Body<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidateFuture").finish_non_exhaustive()
    }
}
