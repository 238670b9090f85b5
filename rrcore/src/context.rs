//! What travels with a request from stage to stage: one request extension.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use http::{Extensions, Response};

use crate::address::ClientAddress;
use crate::clock::{Clock, Now};
use crate::code::Stage;
use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::request_id::RequestId;
use crate::secret::InjectedSecret;
use crate::trail::{Entry, Fact, Facts, Outcome, Trail};

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
/// assert_eq!(seen_by_the_next_layer.identity().unwrap().subject().as_ref(), "alice");
/// assert_eq!(seen_by_the_next_layer.trail().entries()[0].outcome, Outcome::Passed);
/// ```
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

/// What an embedder hangs on a request. Usually through a [`ContextLayer`](crate::ContextLayer).
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Hooks {
    /// How refusals look; a problem document (RFC 9457) if `None`.
    pub render: Option<Arc<dyn Render>>,
    /// Who hears of decisions.
    pub observe: Option<Arc<dyn Observe>>,
}

/// Makes a response of a refusal. Any `Fn(&Refusal, &Context) -> Response<Bytes>` is one.
pub trait Render: Send + Sync {
    /// The response. The refusal is put into its extensions afterwards.
    fn render(&self, refusal: &Refusal, context: &Context) -> Response<Bytes>;
}

/// Hears what each stage decided, as it decides. Any `Fn(&Context, &Entry)` is one.
///
/// It is called on the request's path: count, send or note, but do not wait.
pub trait Observe: Send + Sync {
    /// `entry` was added to the trail of `context`.
    fn decided(&self, context: &Context, entry: &Entry);
}

struct Inner {
    id: RequestId,
    clock: Clock,
    now: Now,
    address: OnceLock<ClientAddress>,
    vouched: OnceLock<Vouched>,
    injected: OnceLock<InjectedSecret>,
    // Of a credential in several parts, and of one that was replaced on the way: rare.
    injected_too: Mutex<Vec<InjectedSecret>>,
    hooks: Hooks,
    // Held for one push, by the one task that drives the request: never contended.
    trail: Mutex<Trail>,
}

struct Vouched {
    identity: Identity,
    // Whether the trail says so before anything that is added to it, or read from it, after this.
    is_told_later: bool,
}

impl Context {
    /// The context of a request that arrives now.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        Self::with_hooks(clock, Hooks::default())
    }

    /// The context of a request that arrives now, with what an embedder hangs on it.
    #[must_use]
    pub fn with_hooks(clock: &Clock, hooks: Hooks) -> Self {
        let now = clock.now();
        Self {
            inner: Arc::new(Inner {
                id: RequestId::new(now.wall),
                clock: clock.clone(),
                now,
                address: OnceLock::new(),
                vouched: OnceLock::new(),
                injected: OnceLock::new(),
                injected_too: Mutex::new(Vec::new()),
                hooks,
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

    /// As [`of`](Self::of), without a handle of its own: for who needs it no longer than `extensions`
    /// can be lent.
    pub fn within<'a>(extensions: &'a mut Extensions, clock: &Clock) -> &'a Self {
        extensions.get_or_insert_with(|| Self::new(clock))
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
        self.inner.vouched.get().map(|it| &it.identity)
    }

    /// Vouches for the caller. The first answer stays: an inner layer cannot change who it is.
    pub fn identify(&self, identity: Identity) {
        _ = self.inner.vouched.set(Vouched { identity, is_told_later: false });
    }

    /// [Vouches](Self::identify) for the caller, and records that [`Stage::Authenticate`] let the
    /// request pass: both at once, for less.
    pub fn authenticated(&self, identity: Identity) {
        let kind = identity.kind();
        let is_told_later = self.inner.hooks.observe.is_none();
        let is_first = self.inner.vouched.set(Vouched { identity, is_told_later }).is_ok();
        if !(is_first && is_told_later) {
            self.record(Stage::Authenticate, Outcome::Passed, Fact::Auth { kind, outcome: "ok" });
        }
    }

    /// Every secret that went upstream for this request, in that order; none before
    /// injection.
    #[must_use]
    pub fn injected(&self) -> Vec<InjectedSecret> {
        let Some(first) = self.inner.injected.get() else { return Vec::new() };
        let more = self.inner.injected_too.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(first).chain(&*more).cloned().collect()
    }

    /// Remembers a secret that goes upstream. The same one twice is one.
    pub fn add_injected(&self, secret: InjectedSecret) {
        let Err(secret) = self.inner.injected.set(secret) else { return };
        let first = self.inner.injected.get();
        let mut more = self.inner.injected_too.lock().unwrap_or_else(PoisonError::into_inner);
        if !first.into_iter().chain(&*more).any(|it| it.expose() == secret.expose()) {
            more.push(secret);
        }
    }

    /// Records that a stage let the request pass.
    pub fn passed(&self, stage: Stage) {
        self.record(stage, Outcome::Passed, Facts::none());
    }

    /// Records a stage's decision and what it has to say.
    pub fn record(&self, stage: Stage, outcome: Outcome, facts: impl Into<Facts>) {
        let mut trail = self.whole_trail();
        // Where nobody looks on, it is made where it stays.
        let Some(observe) = &self.inner.hooks.observe else {
            return trail.push(Entry { stage, outcome, took: None, facts: facts.into() });
        };
        let took = trail.took(self.inner.clock.monotonic());
        let entry = Entry { stage, outcome, took: Some(took), facts: facts.into() };
        trail.push(entry.clone());
        // Not under the lock: an observer may look at the trail.
        drop(trail);
        observe.decided(self, &entry);
    }

    /// Records a refusal and renders it.
    #[must_use]
    pub fn refuse(&self, refusal: Refusal) -> Response<Bytes> {
        self.refuse_with(refusal, Facts::none())
    }

    /// Records a refusal with what the stage has to say, and renders it.
    #[must_use]
    pub fn refuse_with(&self, refusal: Refusal, facts: impl Into<Facts>) -> Response<Bytes> {
        self.record(refusal.stage(), Outcome::Refused(refusal.code()), facts);
        let Some(render) = &self.inner.hooks.render else {
            return refusal.into_response(&self.inner.id);
        };
        let mut response = render.render(&refusal, self);
        response.extensions_mut().insert(refusal);
        response
    }

    /// What has been decided so far.
    #[must_use]
    pub fn trail(&self) -> Trail {
        self.whole_trail().clone()
    }

    /// Takes the trail out, for whoever writes it down at the end.
    #[must_use]
    pub fn take_trail(&self) -> Trail {
        self.whole_trail().take()
    }

    fn whole_trail(&self) -> MutexGuard<'_, Trail> {
        let mut trail = self.inner.trail.lock().unwrap_or_else(PoisonError::into_inner);
        let vouched = self.inner.vouched.get().filter(|it| it.is_told_later);
        vouched.into_iter().for_each(|it| trail.say_authenticated(it.identity.kind()));
        trail
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

impl<F> Render for F
where
    F: Fn(&Refusal, &Context) -> Response<Bytes> + Send + Sync,
{
    fn render(&self, refusal: &Refusal, context: &Context) -> Response<Bytes> {
        self(refusal, context)
    }
}

impl<F> Observe for F
where
    F: Fn(&Context, &Entry) + Send + Sync,
{
    fn decided(&self, context: &Context, entry: &Entry) {
        self(context, entry);
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("render", &self.render.is_some())
            .field("observe", &self.observe.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_that_went_upstream_is_remembered_once() {
        let context = Context::new(&Clock::system());
        assert!(context.injected().is_empty());
        for secret in ["old", "new", "old", "new", "other"] {
            context.clone().add_injected(InjectedSecret::new(secret.into()));
        }
        let secrets = context.injected();
        let secrets: Vec<_> = secrets.iter().map(InjectedSecret::expose).collect();
        assert_eq!(secrets, [b"old".as_slice(), b"new", b"other"]);
    }

    #[test]
    fn who_was_authenticated_stands_in_the_trail_where_that_was_decided() {
        check(&["limit", "auth", "rules"], Hooks::default());
        check(&["auth", "rules"], Hooks::default());
        check(&["limit", "auth"], Hooks::default());
        check(&["auth"], Hooks::default());
        check(&["auth", "rules", "auth"], Hooks::default());
        let observe: Arc<dyn Observe> = Arc::new(|_: &Context, _: &Entry| ());
        check(&["limit", "auth", "rules"], Hooks { observe: Some(observe), ..Hooks::default() });
    }

    #[track_caller]
    fn check(stages: &[&str], hooks: Hooks) {
        let expected: Vec<_> = stages.iter().map(|it| stage(it)).collect();
        let context = Context::with_hooks(&Clock::system(), hooks);
        for (number, name) in stages.iter().enumerate() {
            match stage(name) {
                Stage::Authenticate => {
                    let id = format!("cred_{number}");
                    context.authenticated(Identity::new("alice", id, "apiKey"));
                }
                other => context.passed(other),
            }
        }
        let first = stages.iter().position(|it| *it == "auth").unwrap();
        assert_eq!(&**context.identity().unwrap().credential(), format!("cred_{first}"));
        let seen = |trail: Trail| trail.entries().iter().map(|it| it.stage).collect::<Vec<_>>();
        assert_eq!(seen(context.trail()), expected);
        assert_eq!(seen(context.trail()), expected, "looking changes nothing");
        let fact = Fact::Auth { kind: "apiKey", outcome: "ok" };
        assert!(context.trail().facts().any(|it| *it == fact));
        assert_eq!(seen(context.take_trail()), expected);
        assert!(context.take_trail().entries().is_empty(), "nothing is said twice");
    }

    fn stage(name: &str) -> Stage {
        match name {
            "auth" => Stage::Authenticate,
            "limit" => Stage::Limit,
            _ => Stage::Rules,
        }
    }
}
