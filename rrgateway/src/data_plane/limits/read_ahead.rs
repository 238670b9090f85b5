//! Reads the body of requests that a meter must look into before they are let in.

use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{Body, Budget, BufferedBody, Clock, Context, GuardFuture, ReadBody, ReadOutcome};
use tower_layer::Layer;
use tower_service::Service;

use crate::data_plane::body::BoxError;

/// Builds [`ReadAhead`] services.
#[derive(Clone, Debug)]
pub struct ReadAheadLayer {
    /// Of which the memory is taken; `None` where no meter looks into bodies.
    bodies: Option<Budget>,
    clock: Clock,
}

/// Reads bodies up to a size; larger ones go on unread, and are what nobody can inspect.
#[derive(Clone, Debug)]
pub struct ReadAhead<S> {
    inner: S,
    layer: ReadAheadLayer,
}

impl ReadAheadLayer {
    /// Takes the memory for bodies of `bodies`; without that, it reads none.
    pub const fn new(bodies: Option<Budget>, clock: Clock) -> Self {
        Self { bodies, clock }
    }
}

impl<S> Layer<S> for ReadAheadLayer {
    type Service = ReadAhead<S>;

    fn layer(&self, inner: S) -> ReadAhead<S> {
        ReadAhead { inner, layer: self.clone() }
    }
}

impl<S, B, ResBody> Service<Request<B>> for ReadAhead<S>
where
    S: Service<Request<Body<B>>, Response = Response<ResBody>> + Clone,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = ReadAheadFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let is_read = request.extensions().get::<BufferedBody>().is_some();
        let bodies = match &self.layer.bodies {
            Some(bodies) if !is_read && !request.body().is_end_stream() => bodies,
            Some(_) | None => {
                let future = GuardFuture::forward(self.inner.call(request.map(Body::inner)));
                return ReadAheadFuture { state: State::Decided { future } };
            }
        };
        let context = Context::of(request.extensions_mut(), &self.layer.clock);
        let read = BufferedBody::read(request, MOST_BYTES).budget(bodies);
        // The one that was polled ready is the one that is called.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        ReadAheadFuture {
            state: State::Reading { waiting: Box::new(Waiting { read, inner, context }) },
        }
    }
}

pin_project! {
    /// Resolves to the response, or to why the body could not be read.
    pub struct ReadAheadFuture<S, B>
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
        Reading { waiting: Box<Waiting<S, B>> },
        Decided { #[pin] future: GuardFuture<F> },
    }
}

struct Waiting<S, B> {
    read: ReadBody<B>,
    inner: S,
    context: Context,
}

impl<S, B, ResBody> Future for ReadAheadFuture<S, B>
where
    S: Service<Request<Body<B>>, Response = Response<ResBody>>,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let waiting = match this.state.as_mut().project() {
                StateProj::Decided { future } => return future.poll(cx),
                StateProj::Reading { waiting } => waiting,
            };
            let future = match ready!(Pin::new(&mut waiting.read).poll(cx)) {
                ReadOutcome::Whole(request) | ReadOutcome::TooLarge(request) => {
                    GuardFuture::forward(waiting.inner.call(request))
                }
                ReadOutcome::Failed(refusal) => {
                    GuardFuture::answer(waiting.context.refuse(refusal))
                }
            };
            this.state.set(State::Decided { future });
        }
    }
}

/// As of a body that rules look into.
pub const MOST_BYTES: usize = 1 << 20;
