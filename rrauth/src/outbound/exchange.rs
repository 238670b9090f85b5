//! A request with a token: sent, and sent once more if the upstream does not take that token.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use rrcore::{Body, BufferedBody, Context, ReadBody, ReadOutcome, Refusal, Stage};
use tower_service::Service;

use crate::outbound::injection::Fetched;
use crate::outbound::refusal::unavailable;
use crate::outbound::token::{Token, TokenFuture};

pin_project! {
    /// `F` is the inner service's future, and `R` its response.
    pub(crate) struct Exchange<S, B, F, R> {
        #[pin]
        step: Step<B, F, R>,
        fetched: Arc<Fetched>,
        inner: S,
        context: Context,
        // What can be sent again, until it is.
        kept: Option<Kept>,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<B, F, R> {
        Reading { read: ReadBody<B> },
        Fetching { token: TokenFuture, request: Option<Request<Body<B>>> },
        Sending { #[pin] future: F, token: Arc<Token> },
        Replacing { token: TokenFuture, answer: Option<R>, kept: Option<Kept> },
        Readying { token: Arc<Token>, kept: Option<Kept> },
        Refused { refusal: Option<Refusal> },
    }
}

/// A request before any token was put onto it.
struct Kept {
    head: Request<()>,
    data: Bytes,
}

impl<S, B, F, R> Exchange<S, B, F, R> {
    /// Reads the body first.
    pub(crate) const fn reading(
        read: ReadBody<B>,
        fetched: Arc<Fetched>,
        inner: S,
        context: Context,
    ) -> Self {
        Self { step: Step::Reading { read }, fetched, inner, context, kept: None }
    }
}

impl<S, B> Exchange<S, B, S::Future, S::Response>
where
    S: Service<Request<Body<B>>>,
    B: http_body::Body<Data = Bytes>,
{
    /// Sends the request as soon as there is a token, which may be at once.
    pub(crate) fn sending(
        request: Request<Body<B>>,
        fetched: Arc<Fetched>,
        mut inner: S,
        context: Context,
    ) -> Self {
        let kept = Kept::of(&request);
        let step = begin(&fetched, request, &context, &mut inner);
        Self { step, fetched, inner, context, kept }
    }
}

impl<S, B, ResBody> Future for Exchange<S, B, S::Future, Response<ResBody>>
where
    S: Service<Request<Body<B>>, Response = Response<ResBody>>,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Output = Result<Response<Body<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.step.as_mut().project() {
                StepProj::Reading { read } => {
                    let outcome = ready!(Pin::new(read).poll(cx));
                    let (step, kept) = start(this.fetched, outcome, this.context, this.inner);
                    *this.kept = kept;
                    step
                }
                StepProj::Fetching { token, request } => {
                    let token = ready!(token.as_mut().poll(cx));
                    // Always there: this step is replaced at once.
                    let Some(request) = request.take() else { return Poll::Pending };
                    match token {
                        Ok(token) => send(this.fetched, token, request, this.context, this.inner),
                        Err(error) => refused(unavailable(error.to_string())),
                    }
                }
                StepProj::Sending { future, token } => {
                    let answer = ready!(future.poll(cx))?;
                    if answer.status() != StatusCode::UNAUTHORIZED {
                        return Poll::Ready(Ok(answer.map(Body::inner)));
                    }
                    // Begun even where nothing can be sent again: for those that come after.
                    let replaced = this.fetched.tokens.replace(token);
                    match this.kept.take() {
                        None => return Poll::Ready(Ok(answer.map(Body::inner))),
                        kept => Step::Replacing { token: replaced, answer: Some(answer), kept },
                    }
                }
                StepProj::Replacing { token, answer, kept } => {
                    match (ready!(token.as_mut().poll(cx)), answer.take()) {
                        // Its answer is dropped, and with it what the upstream has of the request.
                        (Ok(token), _) => Step::Readying { token, kept: kept.take() },
                        (Err(_), Some(answer)) => return Poll::Ready(Ok(answer.map(Body::inner))),
                        (Err(_), None) => return Poll::Pending,
                    }
                }
                StepProj::Readying { token, kept } => {
                    ready!(this.inner.poll_ready(cx))?;
                    let Some(kept) = kept.take() else { return Poll::Pending };
                    let token = Arc::clone(token);
                    send(this.fetched, token, kept.request(), this.context, this.inner)
                }
                StepProj::Refused { refusal } => {
                    let Some(refusal) = refusal.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(this.context.refuse(refusal).map(Body::own)));
                }
            };
            this.step.set(next);
        }
    }
}

impl Kept {
    /// `None` where the body can be read once only.
    fn of<B: http_body::Body>(request: &Request<B>) -> Option<Self> {
        let data = match request.extensions().get::<BufferedBody>() {
            Some(read) => read.data().clone(),
            None if request.body().is_end_stream() => Bytes::new(),
            None => return None,
        };
        let mut head = Request::new(());
        head.method_mut().clone_from(request.method());
        head.uri_mut().clone_from(request.uri());
        *head.version_mut() = request.version();
        head.headers_mut().clone_from(request.headers());
        head.extensions_mut().clone_from(request.extensions());
        Some(Self { head, data })
    }

    fn request<B>(self) -> Request<Body<B>> {
        self.head.map(|()| Body::own(self.data))
    }
}

/// Sends the request, once its body has been read, as soon as there is a token.
fn start<S, B>(
    fetched: &Fetched,
    outcome: ReadOutcome<B>,
    context: &Context,
    inner: &mut S,
) -> (Step<B, S::Future, S::Response>, Option<Kept>)
where
    S: Service<Request<Body<B>>>,
    B: http_body::Body<Data = Bytes>,
{
    match outcome {
        ReadOutcome::Whole(request) | ReadOutcome::TooLarge(request) => {
            let kept = Kept::of(&request);
            (begin(fetched, request, context, inner), kept)
        }
        ReadOutcome::Failed(refusal) => (refused(refusal), None),
    }
}

/// Sends the request as soon as there is a token.
fn begin<S, B>(
    fetched: &Fetched,
    request: Request<Body<B>>,
    context: &Context,
    inner: &mut S,
) -> Step<B, S::Future, S::Response>
where
    S: Service<Request<Body<B>>>,
{
    match fetched.tokens.current() {
        Some(token) => send(fetched, token, request, context, inner),
        None => Step::Fetching { token: fetched.tokens.fetch(), request: Some(request) },
    }
}

/// `inner` is ready.
fn send<S, B>(
    fetched: &Fetched,
    token: Arc<Token>,
    mut request: Request<Body<B>>,
    context: &Context,
    inner: &mut S,
) -> Step<B, S::Future, S::Response>
where
    S: Service<Request<Body<B>>>,
{
    match fetched.apply(&token, &mut request, context) {
        Ok(()) => {
            context.passed(Stage::Inject);
            Step::Sending { future: inner.call(request), token }
        }
        Err(refusal) => refused(refusal),
    }
}

const fn refused<B, F, R>(refusal: Refusal) -> Step<B, F, R> {
    Step::Refused { refusal: Some(refusal) }
}
