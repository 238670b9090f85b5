//! What travels with a request from stage to stage: one request extension.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use http::{Extensions, Response};

use crate::address::ClientAddress;
use crate::clock::{Clock, Now};
use crate::code::Stage;
use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::request_id::RequestId;
use crate::secret::InjectedSecret;
use crate::trail::{Fact, Outcome, Trail};

/// The request's id, its time (read once), its caller, and the trail of decisions.
///
/// A handle: all clones show the same request, so an outer layer that keeps one can read at the
/// end what the inner stages decided. The first layer that asks for it makes it.
///
/// ```
/// use rrcore::{Clock, Context, Identity, Outcome, Stage};
///
/// let mut request = http::Request::new(());
/// let context = Context::of(request.extensions_mut(), &Clock::system());
/// context.identify(Identity::new("alice", "cred_1", "apiKey"));
/// context.passed(Stage::Authenticate);
///
/// let seen_by_the_next_layer = Context::of(request.extensions_mut(), &Clock::system());
/// assert_eq!(seen_by_the_next_layer.identity().unwrap().subject.as_ref(), "alice");
/// assert_eq!(seen_by_the_next_layer.trail().entries()[0].outcome, Outcome::Passed);
/// ```
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

struct Inner {
    id: RequestId,
    clock: Clock,
    now: Now,
    address: OnceLock<ClientAddress>,
    identity: OnceLock<Identity>,
    injected: OnceLock<InjectedSecret>,
    // Held for one push, by the one task that drives the request: never contended.
    trail: Mutex<Trail>,
}

impl Context {
    /// The context of a request that arrives now.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        let now = clock.now();
        Self {
            inner: Arc::new(Inner {
                id: RequestId::new(now.wall),
                clock: clock.clone(),
                now,
                address: OnceLock::new(),
                identity: OnceLock::new(),
                injected: OnceLock::new(),
                trail: Mutex::new(Trail::starting_at(now.monotonic)),
            }),
        }
    }

    /// The context in `extensions`; made from `clock` and put there if there is none yet.
    pub fn of(extensions: &mut Extensions, clock: &Clock) -> Self {
        if let Some(context) = extensions.get::<Self>() {
            return context.clone();
        }
        let context = Self::new(clock);
        extensions.insert(context.clone());
        context
    }

    /// The request's name.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.inner.id
    }

    /// When the request arrived. Every stage decides by this one reading.
    #[must_use]
    pub fn now(&self) -> Now {
        self.inner.now
    }

    /// The clock that this request is timed by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Who is at the other end, if the server said so.
    #[must_use]
    pub fn address(&self) -> Option<ClientAddress> {
        self.inner.address.get().copied()
    }

    /// Says who is at the other end. The first answer stays.
    pub fn set_address(&self, address: ClientAddress) {
        _ = self.inner.address.set(address);
    }

    /// Who is calling; `None` while nobody has vouched for them.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.inner.identity.get()
    }

    /// Vouches for the caller. The first answer stays: an inner layer cannot change who it is.
    pub fn identify(&self, identity: Identity) {
        _ = self.inner.identity.set(identity);
    }

    /// The upstream credential, once it is on the request.
    #[must_use]
    pub fn injected(&self) -> Option<&InjectedSecret> {
        self.inner.injected.get()
    }

    /// Remembers the upstream credential.
    pub fn set_injected(&self, secret: InjectedSecret) {
        _ = self.inner.injected.set(secret);
    }

    /// Records that a stage let the request pass.
    pub fn passed(&self, stage: Stage) {
        self.record(stage, Outcome::Passed, Vec::new());
    }

    /// Records a stage's decision and what it has to say.
    pub fn record(&self, stage: Stage, outcome: Outcome, facts: Vec<Fact>) {
        let at = self.inner.clock.monotonic();
        let mut trail = self.inner.trail.lock().unwrap_or_else(PoisonError::into_inner);
        trail.push(stage, outcome, facts, at);
    }

    /// Records a refusal and renders it.
    #[must_use]
    pub fn refuse(&self, refusal: Refusal) -> Response<Bytes> {
        self.refuse_with(refusal, Vec::new())
    }

    /// Records a refusal with what the stage has to say, and renders it.
    #[must_use]
    pub fn refuse_with(&self, refusal: Refusal, facts: Vec<Fact>) -> Response<Bytes> {
        self.record(refusal.stage(), Outcome::Refused(refusal.code()), facts);
        refusal.into_response(&self.inner.id)
    }

    /// What has been decided so far.
    #[must_use]
    pub fn trail(&self) -> Trail {
        self.inner.trail.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the trail out, for whoever writes it down at the end.
    #[must_use]
    pub fn take_trail(&self) -> Trail {
        std::mem::take(&mut *self.inner.trail.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("id", &self.inner.id).finish_non_exhaustive()
    }
}
