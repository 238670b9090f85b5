//! Takes off what callers show where nobody is asked who they are.

use std::fmt;
use std::task::{self, Poll};

use http::{HeaderName, Request, Response};
use rrcore::{Body, Clock, Code, Context, GuardFuture, Refusal};
use tower_layer::Layer;
use tower_service::Service;

use crate::inbound::places::Places;

/// Lets everybody in, and takes off what they show: callers send their key to a service that asks
/// nobody for one, too, and what is behind it is not who the key was meant for.
///
/// Every place that an [`AuthLayer`](crate::AuthLayer) with the same headers looks at is emptied, with
/// its look-alikes: `Authorization`, these headers, and the query parameter `Authorization`.
///
/// ```
/// use http::{HeaderName, Request};
/// use rrauth::StripLayer;
///
/// let strip = StripLayer::new([HeaderName::from_static("x-api-key")]);
/// let mut request = Request::get("/?a=1&Authorization=k").header("x_api_key", "k").body(())?;
/// assert!(strip.strip(&mut request).is_ok());
/// assert_eq!((request.uri().query(), request.headers().len()), (Some("a=1"), 0));
/// # Ok::<_, http::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct StripLayer {
    places: Places,
    clock: Clock,
}

/// A service whose requests show nothing any more. Made by a [`StripLayer`].
#[derive(Clone)]
pub struct Strip<S> {
    inner: S,
    layer: StripLayer,
}

impl StripLayer {
    /// Takes off `Authorization` and these headers.
    pub fn new(headers: impl IntoIterator<Item = HeaderName>) -> Self {
        let mut places = Places::new();
        places.rename(headers);
        Self { places, clock: Clock::system() }
    }

    /// Times requests that have no [`Context`] yet by this clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Takes off what `request` shows.
    ///
    /// # Errors
    /// When something cannot be taken off: then the request must not go on.
    pub fn strip<B>(&self, request: &mut Request<B>) -> Result<(), Refusal> {
        let stripped = self.places.strip(request);
        stripped.map_err(|why| Refusal::new(Code::MalformedRequest).because(why.0))
    }
}

impl<S> Layer<S> for StripLayer {
    type Service = Strip<S>;

    fn layer(&self, inner: S) -> Strip<S> {
        Strip { inner, layer: self.clone() }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Strip<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.layer.strip(&mut request) {
            Ok(()) => GuardFuture::forward(self.inner.call(request)),
            Err(refusal) => {
                let context = Context::of(request.extensions_mut(), &self.layer.clock);
                GuardFuture::answer(context.refuse(refusal))
            }
        }
    }
}

impl fmt::Debug for StripLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripLayer").field("places", &self.places).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for Strip<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strip").field("inner", &self.inner).finish_non_exhaustive()
    }
}
