//! Acts on the judgement: the caller is let in, or answered.

use http::{Request, Response};
use rrcore::{Clock, Context, GuardFuture};
use tower_service::Service;

use crate::inbound::challenge::Challenge;
use crate::inbound::digest::KeyDigest;
use crate::inbound::judge::{Rejection, holds, judge};
use crate::inbound::places::{Places, Sight};
use crate::inbound::privileges::{Privileges, leave};
use crate::inbound::proof::Proof;
use crate::inbound::shared::SharedCredential;
use crate::inbound::shown::{Shown, Way};
use crate::inbound::verifiers::Verifiers;

/// What one layer was told, shared by all clones of its services.
#[derive(Clone, Debug)]
pub(crate) struct Settings<T> {
    pub(crate) places: Places,
    pub(crate) challenge: Challenge,
    pub(crate) verifiers: Verifiers<T>,
    pub(crate) clock: Clock,
}

/// Somebody who was let in: what the layers inside will want to know.
pub(crate) struct Guest<T> {
    caller: T,
    privileges: Option<Privileges>,
}

impl<T: 'static> Settings<T> {
    /// Whether the client of `request` may try.
    pub(crate) fn admit<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        if self.verifiers.counts_failures() {
            self.verifiers.admit(self.context(request))?;
        }
        Ok(())
    }

    /// What travels with `request`.
    pub(crate) fn context<'a, B>(&self, request: &'a mut Request<B>) -> &'a Context {
        Context::within(request.extensions_mut(), &self.clock)
    }

    /// Takes off the secret that `request` shows. Where it is one to be looked for by its digest, that
    /// is `foreseen` first.
    pub(crate) fn take<B>(
        &self,
        request: &mut Request<B>,
        // By reference: it is large, and every request would copy it some times.
        shown: &mut Option<Shown>,
        foreseen: impl FnMut(&KeyDigest),
    ) -> Result<(), Rejection> {
        let mut sight = Sight::default();
        self.places.look(request, &mut sight, shown)?;
        shown.as_ref().and_then(Shown::digest_at_hand).into_iter().for_each(foreseen);
        Ok(self.places.take(request, &sight, shown)?)
    }

    /// Takes off whatever `request` shows.
    pub(crate) fn strip<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        Ok(self.places.strip(request)?)
    }
}

impl<T: Clone + Send + Sync + 'static> Settings<T> {
    /// Who showed a secret in `way` of which `credential` was found, where it lets them in.
    pub(crate) fn let_in(
        &self,
        way: Way,
        credential: SharedCredential<T>,
        context: &Context,
    ) -> Result<Guest<T>, Rejection> {
        let known = &*credential;
        judge(way, known, context.now().wall)?;
        let (caller, ends) = (known.caller.clone(), known.expires_at);
        let privileges = Privileges::of_scopes(&known.scopes);
        context.authenticated(credential.into_identity().ending_at(ends));
        Ok(Guest { caller, privileges })
    }

    /// Passes the request on if what was proved holds.
    pub(crate) fn conclude<S, B, R>(
        &self,
        proved: Result<Proof<T>, Rejection>,
        mut request: Request<B>,
        inner: &mut S,
    ) -> GuardFuture<S::Future>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        let mut proof = match proved {
            Ok(proof) => proof,
            Err(rejection) => return self.reject(request, rejection),
        };
        let context = self.context(&mut request);
        if let Err(rejection) = holds(&proof, context.now().wall) {
            return self.reject(request, rejection);
        }
        let (caller, privileges) = (proof.credential.caller.clone(), Privileges::of(&mut proof));
        vouch(context, proof);
        self.pass_on(Guest { caller, privileges }, request, inner)
    }

    /// Passes on the request of somebody who was let in.
    pub(crate) fn pass_on<S, B, R>(
        &self,
        guest: Guest<T>,
        mut request: Request<B>,
        inner: &mut S,
    ) -> GuardFuture<S::Future>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        leave(guest.caller, guest.privileges, request.extensions_mut());
        GuardFuture::forward(inner.call(request))
    }

    /// Answers in the inner service's place.
    pub(crate) fn reject<B, F>(
        &self,
        mut request: Request<B>,
        rejection: Rejection,
    ) -> GuardFuture<F> {
        let context = self.context(&mut request);
        self.verifiers.count(context, &rejection);
        let (refusal, fact) = self.challenge.answer(rejection);
        GuardFuture::answer(context.refuse_with(refusal, fact))
    }
}

fn vouch<T: Send + Sync + 'static>(context: &Context, proof: Proof<T>) {
    let Proof { credential, subject, expires_at, validity, .. } = proof;
    let ends = [expires_at, credential.expires_at].into_iter().flatten().min();
    let identity = credential.into_identity().with_subject(subject).ending_at(ends);
    context.authenticated(identity.while_valid(validity));
}
