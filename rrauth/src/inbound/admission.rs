//! Acts on the judgement: the caller is let in, or answered.

use http::{Request, Response};
use rrcore::{Clock, Context, Fact, GuardFuture, Outcome, Stage};
use tower_service::Service;

use crate::inbound::challenge::Challenge;
use crate::inbound::judge::{Rejection, holds, judge};
use crate::inbound::places::Places;
use crate::inbound::privileges;
use crate::inbound::proof::Proof;
use crate::inbound::shared::SharedCredential;
use crate::inbound::shown::Shown;
use crate::inbound::verifiers::{Asked, Verifiers};

/// What one layer was told, shared by all clones of its services.
#[derive(Clone, Debug)]
pub(crate) struct Settings<T> {
    pub(crate) places: Places,
    pub(crate) challenge: Challenge,
    pub(crate) verifiers: Verifiers<T>,
    pub(crate) clock: Clock,
}

impl<T: 'static> Settings<T> {
    /// Reads the secret that `request` shows, and takes it off.
    pub(crate) fn take<B>(&self, request: &mut Request<B>) -> Result<Option<Shown>, Rejection> {
        Ok(self.places.take(request)?)
    }

    /// Takes off whatever `request` shows.
    pub(crate) fn strip<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        Ok(self.places.strip(request)?)
    }

    /// What is proved by a secret of which the index says that it is `found`.
    pub(crate) fn prove(
        &self,
        context: &Context,
        shown: &Shown,
        found: Option<SharedCredential<T>>,
    ) -> Asked<T> {
        match found {
            Some(credential) => Asked::Known(judge(shown.way, credential)),
            None => self.verifiers.ask(context, shown),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Settings<T> {
    /// Passes the request on if what was proved holds.
    pub(crate) fn conclude<S, B, R>(
        &self,
        context: &Context,
        proved: Result<Proof<T>, Rejection>,
        mut request: Request<B>,
        inner: &mut S,
    ) -> GuardFuture<S::Future>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        let judged = proved.and_then(|it| holds(&it, context.now().wall).map(|()| it));
        match judged {
            Ok(mut proof) => {
                privileges::leave(&mut proof, request.extensions_mut());
                vouch(context, proof);
                GuardFuture::forward(inner.call(request))
            }
            Err(rejection) => self.reject(context, rejection),
        }
    }

    /// Answers in the inner service's place.
    pub(crate) fn reject<F>(&self, context: &Context, rejection: Rejection) -> GuardFuture<F> {
        self.verifiers.count(context, &rejection);
        let (refusal, fact) = self.challenge.answer(rejection);
        GuardFuture::answer(context.refuse_with(refusal, fact))
    }
}

fn vouch<T: Send + Sync + 'static>(context: &Context, proof: Proof<T>) {
    let Proof { credential, subject, expires_at, validity, .. } = proof;
    let kind = credential.kind.as_str();
    let ends = [expires_at, credential.expires_at].into_iter().flatten().min();
    let identity = credential.into_identity().with_subject(subject).ending_at(ends);
    context.identify(identity.while_valid(validity));
    context.record(Stage::Authenticate, Outcome::Passed, Fact::Auth { kind, outcome: "ok" });
}
