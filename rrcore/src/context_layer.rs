//! The layer with which an embedder says how all stages behind it see time, callers and refusals.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::Request;
use http::request::Parts;
use tower_layer::Layer;
use tower_service::Service;

use crate::address::ClientAddress;
use crate::clock::Clock;
use crate::context::{Context, Hooks, Observe, Render};

/// Makes the [`Context`] of each request before the stages need it. Optional: without it, the
/// first stage makes a plain one.
///
/// Put it outside of all stages. A context that is there already stays, since stages outside have
/// written on it, or will read it at the end (such as what must not come back): of this layer only
/// the client's address is then added, where nobody has said it yet.
///
/// Refusals as HTML for browsers, and a count of what each stage decided:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use bytes::Bytes;
/// use rrcore::{Context, ContextLayer, Entry, Refusal, Render};
///
/// let as_html: Arc<dyn Render> = Arc::new(|refusal: &Refusal, _: &Context| {
///     let page = format!("<h1>{}</h1>", refusal.code().title());
///     http::Response::builder()
///         .status(refusal.status())
///         .header("content-type", "text/html")
///         .body(Bytes::from(page))
///         .unwrap()
/// });
/// let decisions = Arc::new(AtomicUsize::new(0));
/// let counted = Arc::clone(&decisions);
///
/// let layer = ContextLayer::new()
///     .render_by(move |request| {
///         let accept = request.headers.get("accept").map_or(&b""[..], |it| it.as_bytes());
///         accept.starts_with(b"text/html").then(|| Arc::clone(&as_html))
///     })
///     .observe(move |_: &Context, _: &Entry| {
///         counted.fetch_add(1, Ordering::Relaxed);
///     });
/// # let _ = layer;
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct ContextLayer {
    clock: Clock,
    observe: Option<Arc<dyn Observe>>,
    render: Option<Arc<ChooseRender>>,
    address: Option<Arc<FindAddress>>,
}

type ChooseRender = dyn Fn(&Parts) -> Option<Arc<dyn Render>> + Send + Sync;
type FindAddress = dyn Fn(&Parts) -> Option<ClientAddress> + Send + Sync;

impl ContextLayer {
    /// A layer that makes plain contexts on the machine's clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the time from `clock`, for all stages.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Tells `observe` what each stage decides.
    pub fn observe(mut self, observe: impl Observe + 'static) -> Self {
        self.observe = Some(Arc::new(observe));
        self
    }

    /// Renders every refusal with `render`.
    pub fn render(self, render: impl Render + 'static) -> Self {
        let render: Arc<dyn Render> = Arc::new(render);
        self.render_by(move |_| Some(Arc::clone(&render)))
    }

    /// Renders refusals as `choose` says for each request; as a problem document where it says
    /// `None`.
    pub fn render_by(
        mut self,
        choose: impl Fn(&Parts) -> Option<Arc<dyn Render>> + Send + Sync + 'static,
    ) -> Self {
        self.render = Some(Arc::new(choose));
        self
    }

    /// Finds the client's address, usually with
    /// [`TrustedProxies::client`](crate::TrustedProxies::client) from what the server put into the
    /// request's extensions.
    pub fn address(
        mut self,
        find: impl Fn(&Parts) -> Option<ClientAddress> + Send + Sync + 'static,
    ) -> Self {
        self.address = Some(Arc::new(find));
        self
    }

    fn context(&self, request: &Parts) -> Context {
        let context = match request.extensions.get::<Context>() {
            Some(context) => context.clone(),
            None => {
                let render = self.render.as_ref().and_then(|choose| choose(request));
                Context::with_hooks(&self.clock, Hooks { render, observe: self.observe.clone() })
            }
        };
        if let Some(address) = self.address.as_ref().and_then(|find| find(request)) {
            context.set_address(address);
        }
        context
    }
}

impl<S> Layer<S> for ContextLayer {
    type Service = WithContext<S>;

    fn layer(&self, inner: S) -> WithContext<S> {
        WithContext { inner, layer: self.clone() }
    }
}

/// Gives each request its [`Context`]. Made by a [`ContextLayer`].
#[derive(Clone)]
pub struct WithContext<S> {
    inner: S,
    layer: ContextLayer,
}

impl<S, B> Service<Request<B>> for WithContext<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let context = self.layer.context(&head);
        head.extensions.insert(context);
        self.inner.call(Request::from_parts(head, body))
    }
}

impl fmt::Debug for ContextLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextLayer").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for WithContext<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithContext").field("inner", &self.inner).finish_non_exhaustive()
    }
}
