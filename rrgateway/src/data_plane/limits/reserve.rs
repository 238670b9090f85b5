//! Lets go of what was taken in advance, where the response that would say how much never comes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use rratelimit::Admission;
use rrcore::{Context, Refusal, Stage};
use tower_layer::Layer;
use tower_service::Service;

use crate::data_plane::limits::counts::Counts;

/// Builds [`Reserve`] services. It stands right below what admits requests.
#[derive(Clone, Debug)]
pub struct ReserveLayer {
    labels: Arc<[Arc<str>]>,
}

/// Watches over what meters of values have taken of an admission.
///
/// What reads the response settles that, also when the response is dropped; but a request that is
/// refused, or dropped, on its way there gets no response.
#[derive(Clone, Debug)]
pub struct Reserve<S> {
    inner: S,
    labels: Arc<[Arc<str>]>,
}

/// What is open of one request.
#[derive(Debug)]
struct Open {
    admission: Arc<Admission<Counts>>,
    labels: Arc<[Arc<str>]>,
    context: Context,
    is_in_hand: bool,
}

impl ReserveLayer {
    /// Of the meters whose policies have these labels.
    pub fn new(labels: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self { labels: labels.into_iter().collect() }
    }
}

impl<S> Layer<S> for ReserveLayer {
    type Service = Reserve<S>;

    fn layer(&self, inner: S) -> Reserve<S> {
        Reserve { inner, labels: Arc::clone(&self.labels) }
    }
}

impl<S, B, ResBody> Service<Request<B>> for Reserve<S>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ReserveFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let open = match self.labels.is_empty() {
            true => None,
            false => Open::of(request.extensions(), &self.labels),
        };
        ReserveFuture { inner: self.inner.call(request), open }
    }
}

impl Open {
    fn of(extensions: &http::Extensions, labels: &Arc<[Arc<str>]>) -> Option<Self> {
        let admission = extensions.get::<Arc<Admission<Counts>>>()?;
        Some(Self {
            admission: Arc::clone(admission),
            labels: Arc::clone(labels),
            context: extensions.get::<Context>()?.clone(),
            is_in_hand: false,
        })
    }
}

impl Drop for Open {
    // Whatever the reader of the response has settled by now, stays so.
    fn drop(&mut self) {
        if self.is_in_hand {
            return;
        }
        let now = self.context.clock().now();
        for label in &*self.labels {
            if let Some((position, _)) = self.admission.charge(label) {
                _ = self.admission.settle(position, 0, now);
            }
        }
    }
}

pin_project! {
    /// Resolves to the response of the inner service.
    #[derive(Debug)]
    pub struct ReserveFuture<F> {
        // Dropped before what is open: what reads the response has the first word.
        #[pin]
        inner: F,
        open: Option<Open>,
    }
}

impl<F, ResBody, E> Future for ReserveFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<F::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx));
        if let (Some(mut open), Ok(response)) = (this.open.take(), &response) {
            let refusal = response.extensions().get::<Refusal>();
            open.is_in_hand = !refusal.is_some_and(|it| is_before_upstream(it.stage()));
        }
        Poll::Ready(response)
    }
}

const fn is_before_upstream(stage: Stage) -> bool {
    match stage {
        Stage::Rules | Stage::Validate | Stage::Transform | Stage::Redact => true,
        // From here on, the reader of the response has seen the request.
        Stage::Hygiene
        | Stage::Route
        | Stage::Authenticate
        | Stage::Authorize
        | Stage::Limit
        | Stage::Inject
        | Stage::Upstream
        | Stage::Filter
        | Stage::Audit => false,
    }
}
