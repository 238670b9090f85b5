//! Lets a request through to the inner service while all that it is charged to have room.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::request::Parts;
use http::{Request, Response};
use rrcore::{Context, GuardFuture, Outcome, Stage};
use tower_service::Service;

use crate::admission::Admission;
use crate::answer;
use crate::body::{Held, LimitedBody};
use crate::decision::{Decision, Standing};
use crate::future::RateLimitFuture;
use crate::layer::{RateLimitLayer, charges};
use crate::limiter::Limiter;
use crate::permit::Permit;
use crate::store::{Store, Taking, Unavailable};

/// Refuses what exceeds a [`Quota`](crate::Quota) with `429 Too Many Requests`.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone)]
pub struct RateLimit<S, St = Arc<Limiter>> {
    inner: S,
    layer: RateLimitLayer<St>,
}

impl<S, St> RateLimit<S, St> {
    pub(crate) const fn new(inner: S, layer: RateLimitLayer<St>) -> Self {
        Self { inner, layer }
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
        let context = Context::of(&mut head.extensions, &self.layer.clock);
        let dues = self.layer.dues(&head);
        if dues.is_empty() {
            if !had_context {
                // As if this were not there.
                head.extensions.remove::<Context>();
            }
            let inner = self.inner.call(Request::from_parts(head, body));
            return RateLimitFuture::running(GuardFuture::forward(inner), None);
        }
        let asked = Asked {
            context,
            store: self.layer.store.clone(),
            counts_refused: self.layer.counts_refused,
            legacy_headers: self.layer.legacy_headers,
        };
        match self.layer.store.take(&charges(&dues), asked.context.now()) {
            Taking::Now(decision) => asked.proceed(&mut self.inner, head, body, decision),
            Taking::Later(later) => {
                // The one that is ready waits with the request; its clone is made ready anew.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                RateLimitFuture::deciding(later, Waiting { ready, head, body, asked })
            }
        }
    }
}

/// What is needed once it is decided.
pub(crate) struct Asked<St> {
    context: Context,
    store: St,
    counts_refused: bool,
    legacy_headers: bool,
}

/// A request whose limits are being asked elsewhere, and the service that is ready for it.
pub(crate) struct Waiting<S, B, St> {
    ready: S,
    head: Parts,
    body: B,
    asked: Asked<St>,
}

/// What is left to do once there is a response.
pub(crate) struct Pending<St: Store> {
    standing: Standing,
    legacy_headers: bool,
    held: Option<Held>,
    /// What to undo where a stage further inside refuses.
    undo: Option<(Arc<Admission<St>>, Context)>,
}

impl<St: Store> Asked<St> {
    /// Calls the inner service, or answers in its place.
    fn proceed<S, B>(
        self,
        inner: &mut S,
        mut head: Parts,
        body: B,
        decision: Result<Decision, Unavailable>,
    ) -> RateLimitFuture<S, B, St>
    where
        S: Service<Request<B>>,
    {
        let Self { context, store, counts_refused, legacy_headers } = self;
        let pending = |standing| Pending { standing, legacy_headers, held: None, undo: None };
        let (guard, pending) = match decision {
            Ok(Decision::Allowed { standing, receipt }) => {
                context.record(Stage::Limit, Outcome::Passed, answer::facts(&standing));
                let held = Permit::of(&store, &receipt).map(|it| Box::new(it) as Held);
                let clock = context.clock().clone();
                let admission = Arc::new(Admission::new(store, receipt, clock));
                head.extensions.insert(Arc::clone(&admission));
                let undo = (!counts_refused).then(|| (admission, context));
                let pending = Pending { held, undo, ..pending(standing) };
                let guard = GuardFuture::forward(inner.call(Request::from_parts(head, body)));
                (guard, Some(pending))
            }
            Ok(refused @ Decision::Refused { retry_after, .. }) => {
                let refusal = answer::refusal(retry_after, refused.violated());
                let facts = answer::facts(refused.standing());
                let guard = GuardFuture::answer(context.refuse_with(refusal, facts));
                (guard, Some(pending(refused.into_standing())))
            }
            Err(nobody) => {
                (GuardFuture::answer(context.refuse(answer::unavailable(&nobody))), None)
            }
        };
        RateLimitFuture::running(guard, pending)
    }
}

impl<S, B, St: Store> Waiting<S, B, St> {
    /// Goes on with what was decided elsewhere.
    pub(crate) fn proceed(
        mut self,
        decision: Result<Decision, Unavailable>,
    ) -> RateLimitFuture<S, B, St>
    where
        S: Service<Request<B>>,
    {
        self.asked.proceed(&mut self.ready, self.head, self.body, decision)
    }
}

impl<St: Store> Pending<St> {
    /// Writes on the response what is left, puts back what is not to count, and says what is held
    /// until the body ends.
    pub(crate) fn finish<B>(self, response: &mut Response<B>) -> Option<Held> {
        if let Some((admission, context)) = self.undo {
            let refusal = response.extensions().get::<rrcore::Refusal>();
            if refusal.is_some_and(|it| is_ours(it.stage())) {
                admission.refund(context.clock().now());
            }
        }
        answer::stamp(self.standing, self.legacy_headers, response);
        self.held
    }
}

/// Whether what a stage refuses never reached the upstream, and this stage had let it in.
const fn is_ours(stage: Stage) -> bool {
    match stage {
        Stage::Rules | Stage::Validate | Stage::Transform | Stage::Redact | Stage::Inject => true,
        Stage::Hygiene
        | Stage::Route
        | Stage::Authenticate
        | Stage::Authorize
        | Stage::Limit
        | Stage::Upstream
        | Stage::Filter
        | Stage::Audit => false,
    }
}

impl<S: fmt::Debug, St> fmt::Debug for RateLimit<S, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}
