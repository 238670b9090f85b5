//! Acts on the judgement: the caller is let in, or answered.

use http::{Request, Response};
use rrcore::{Clock, Context, Fact, GuardFuture, Identity, Outcome, Stage};
use tower_service::Service;

use crate::inbound::challenge::Challenge;
use crate::inbound::credential::Credential;
use crate::inbound::judge::{Rejection, judge};
use crate::inbound::places::{Places, Shown};
use crate::query::Unwritable;

/// What one layer was told, shared by all clones of its services.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) places: Places,
    pub(crate) challenge: Challenge,
    pub(crate) clock: Clock,
}

impl Settings {
    /// Reads the secret that `request` shows, and takes it off.
    pub(crate) fn take<B>(&self, request: &mut Request<B>) -> Result<Shown, Rejection> {
        let shown = self.places.read(request.headers(), request.uri())?;
        let shown = shown.ok_or(Rejection::Missing)?;
        self.strip(request).map(|()| shown)
    }

    /// Takes off whatever `request` shows.
    pub(crate) fn strip<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        let mut uri = std::mem::take(request.uri_mut());
        let stripped = self.places.strip(request.headers_mut(), &mut uri);
        *request.uri_mut() = uri;
        // A credential that cannot be taken off must not go on.
        stripped.map_err(|Unwritable| Rejection::Invalid("it cannot be taken off".to_owned()))
    }

    /// Passes the request on if the credential found for it holds.
    pub(crate) fn admit<S, B, R, T>(
        &self,
        context: &Context,
        shown: Shown,
        found: Result<Option<&Credential<T>>, Rejection>,
        mut request: Request<B>,
        inner: &mut S,
    ) -> GuardFuture<S::Future>
    where
        S: Service<Request<B>, Response = Response<R>>,
        T: Clone + Send + Sync + 'static,
    {
        match found.and_then(|found| judge(shown.way, found, context.now().wall)) {
            Ok(credential) => {
                request.extensions_mut().insert(credential.caller.clone());
                vouch(context, credential);
                GuardFuture::forward(inner.call(request))
            }
            Err(rejection) => self.reject(context, rejection),
        }
    }

    /// Answers in the inner service's place.
    pub(crate) fn reject<F>(&self, context: &Context, rejection: Rejection) -> GuardFuture<F> {
        let (refusal, facts) = self.challenge.answer(rejection);
        GuardFuture::answer(context.refuse_with(refusal, facts))
    }
}

fn vouch<T>(context: &Context, credential: &Credential<T>) {
    let kind = credential.kind.as_str();
    let (subject, id) = (credential.subject.clone(), credential.id.clone());
    context.identify(Identity::new(subject, id, kind));
    let facts = vec![Fact::Auth { kind, outcome: "ok" }];
    context.record(Stage::Authenticate, Outcome::Passed, facts);
}
