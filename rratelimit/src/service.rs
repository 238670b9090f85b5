//! Lets a request through to the inner service while all that it is charged to have room.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::{Request, Response};
use rrcore::{Context, GuardFuture};
use tower_service::Service;

use crate::asked::{Asked, Waiting};
use crate::body::LimitedBody;
use crate::future::RateLimitFuture;
use crate::limiter::Limiter;
use crate::settings::{Settings, charges};
use crate::store::{Store, Taking};

/// Refuses what exceeds a [`Quota`](crate::Quota) with `429 Too Many Requests`.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone)]
pub struct RateLimit<S, St = Arc<Limiter>> {
    inner: S,
    settings: Arc<Settings<St>>,
}

impl<S, St> RateLimit<S, St> {
    pub(crate) const fn new(inner: S, settings: Arc<Settings<St>>) -> Self {
        Self { inner, settings }
    }
}

impl<S, St, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimit<S, St>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    St: Store,
{
    type Response = Response<LimitedBody<ResBody>>;
    type Error = S::Error;
    type Future = RateLimitFuture<S, ReqBody, St>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let had_context = head.extensions.get::<Context>().is_some();
        let context = Context::of(&mut head.extensions, &self.settings.clock);
        let dues = self.settings.dues(&head);
        if dues.is_empty() {
            if !had_context {
                // As if this were not there.
                head.extensions.remove::<Context>();
            }
            let inner = self.inner.call(Request::from_parts(head, body));
            return RateLimitFuture::running(GuardFuture::forward(inner), None);
        }
        let now = context.now();
        let asked = Asked { context, settings: Arc::clone(&self.settings) };
        match self.settings.store.take(&charges(&dues), now) {
            Taking::Now(decision) => {
                let (guard, pending) = asked.proceed(&mut self.inner, head, body, decision);
                RateLimitFuture::running(guard, pending)
            }
            Taking::Later(later) => {
                // The one that is ready waits with the request; its clone is made ready anew.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                RateLimitFuture::deciding(later, Waiting { ready, head, body, asked })
            }
        }
    }
}

impl<S: fmt::Debug, St> fmt::Debug for RateLimit<S, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("inner", &self.inner).finish_non_exhaustive()
    }
}
