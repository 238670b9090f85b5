//! What becomes of a request once its limits are asked, and of its response.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response};
use rrcore::{Context, Fact, GuardFuture, Outcome, Stage};
use tower_service::Service;

use crate::admission::Admission;
use crate::answer;
use crate::body::Held;
use crate::decision::{Decision, Standing};
use crate::permit::Permit;
use crate::settings::Settings;
use crate::store::{Store, Unavailable};

/// What is needed once it is decided.
pub(crate) struct Asked<St> {
    pub(crate) context: Context,
    pub(crate) settings: Arc<Settings<St>>,
}

/// A request whose limits are being asked elsewhere, and the service that is ready for it.
pub(crate) struct Waiting<S, B, St> {
    pub(crate) ready: S,
    pub(crate) head: Parts,
    pub(crate) body: B,
    pub(crate) asked: Asked<St>,
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
    pub(crate) fn proceed<S, B>(
        self,
        inner: &mut S,
        mut head: Parts,
        body: B,
        decision: Result<Decision, Unavailable>,
    ) -> (GuardFuture<S::Future>, Option<Pending<St>>)
    where
        S: Service<Request<B>>,
    {
        let Self { context, settings } = self;
        let (store, legacy_headers) = (settings.store.clone(), settings.legacy_headers);
        let pending = |standing| Pending { standing, legacy_headers, held: None, undo: None };
        match decision {
            Ok(Decision::Allowed { standing, receipt }) => {
                context.record(Stage::Limit, Outcome::Passed, answer::facts(&standing));
                let held = Permit::of(&store, &receipt).map(|it| Box::new(it) as Held);
                let clock = context.clock().clone();
                let admission = Arc::new(Admission::new(store, receipt, clock));
                head.extensions.insert(Arc::clone(&admission));
                let undo = (!settings.counts_refused).then_some((admission, context));
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
                let refusal = answer::unavailable(&nobody);
                let response = context.refuse_with(refusal, Fact::LimitsDegraded);
                (GuardFuture::answer(response), None)
            }
        }
    }
}

impl<S, B, St: Store> Waiting<S, B, St> {
    /// Goes on with what was decided elsewhere.
    pub(crate) fn proceed(
        mut self,
        decision: Result<Decision, Unavailable>,
    ) -> (GuardFuture<S::Future>, Option<Pending<St>>)
    where
        S: Service<Request<B>>,
    {
        self.asked.proceed(&mut self.ready, self.head, self.body, decision)
    }
}

impl<St: Store> Pending<St> {
    /// Writes on the response what is left, puts back what is not to count, and says what is held
    /// until the body ends.
    pub(crate) fn finish<B>(mut self, response: &mut Response<B>) -> Option<Held> {
        if let Some((admission, context)) = self.undo {
            let refusal = response.extensions().get::<rrcore::Refusal>();
            if refusal.is_some_and(|it| is_ours(it.stage())) {
                let back = admission.give_back(context.clock().now());
                for (at, charge) in admission.receipt().charges().enumerate() {
                    if back.contains(&at) {
                        self.standing.give_back(at, charge.cost);
                    }
                }
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
