//! The answers of a source that has to wait for them, remembered for a while.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use quick_cache::sync::Cache;
use rrcore::Clock;

use crate::inbound::credential::Credential;
use crate::inbound::digest::KeyDigest;
use crate::inbound::shared::SharedCredential;
use crate::inbound::source::{CredentialSource, Lookup, SourceUnavailable};

/// A [`CredentialSource`] that remembers what another one said.
///
/// What it knows it says at once, without an await. It remembers credentials, and apart from them
/// also that there is none of a digest, so that guessing keys neither reaches the source each time
/// nor pushes anybody out. That the source could not tell is not remembered.
///
/// ```
/// use std::time::Duration;
/// use rrauth::{AuthLayer, Cached, Index};
///
/// # let database = Index::<String>::builder().build();
/// // What the database says holds for half a minute, and for up to 10,000 callers.
/// let keys = Cached::new(database, 10_000, Duration::from_secs(30));
/// let layer = AuthLayer::new(keys.clone());
/// // Somebody revoked a key: nobody has to wait for the half minute.
/// keys.forget(&rrauth::KeyDigest::of("rk_4f1b0a7d2c9e8f3a5b6c"));
/// ```
///
/// # Caveats
///
/// A credential that is switched off in the source is let in until its answer is over, unless you
/// [`forget`](Self::forget) it: choose a time that you could defend. Its expiry is exact, since the
/// credential says it. A key that was shown before it existed stays unknown until that answer is over:
/// forget its digest when you make it. Requests that come together for a caller who is not known yet each ask.
pub struct Cached<C: CredentialSource> {
    inner: Arc<Inner<C>>,
}

struct Inner<C: CredentialSource> {
    source: C,
    memory: Arc<Memory<C::Caller>>,
    clock: Clock,
    holds: Duration,
}

struct Memory<T> {
    // Apart, so that strangers, of whom there may be any number, cannot push out those who are known.
    known: Cache<KeyDigest, Answer<SharedCredential<T>>>,
    unknown: Cache<KeyDigest, Answer<()>>,
    // Counts what was forgotten: an answer that was asked for before then is not remembered.
    forgotten: AtomicU64,
}

#[derive(Clone)]
struct Answer<T> {
    what: T,
    /// By the monotonic clock.
    until: Duration,
}

impl<C: CredentialSource> Cached<C> {
    /// Remembers each answer of `source` for as long as `holds`, of up to `callers` credentials and
    /// as many digests of which there is none.
    #[must_use]
    pub fn new(source: C, callers: usize, holds: Duration) -> Self {
        Self::with_clock(source, callers, holds, Clock::system())
    }

    /// As [`new`](Self::new), by another clock.
    #[must_use]
    pub fn with_clock(source: C, callers: usize, holds: Duration, clock: Clock) -> Self {
        let memory = Arc::new(Memory {
            known: Cache::new(callers),
            unknown: Cache::new(callers),
            forgotten: AtomicU64::new(0),
        });
        Self { inner: Arc::new(Inner { source, memory, clock, holds }) }
    }

    /// Asks the source again about the secret with this digest, from the next request on.
    pub fn forget(&self, digest: &KeyDigest) {
        let memory = &self.inner.memory;
        memory.forgotten.fetch_add(1, Ordering::SeqCst);
        memory.known.remove(digest);
        memory.unknown.remove(digest);
    }

    /// Asks the source again about everybody, from the next request on.
    pub fn forget_all(&self) {
        let memory = &self.inner.memory;
        memory.forgotten.fetch_add(1, Ordering::SeqCst);
        memory.known.clear();
        memory.unknown.clear();
    }

    /// The source itself.
    #[must_use]
    pub fn source(&self) -> &C {
        &self.inner.source
    }
}

impl<C: CredentialSource> CredentialSource for Cached<C> {
    type Caller = C::Caller;
    type Future = Remembering<C::Future, C::Caller>;

    fn is_empty(&self) -> bool {
        self.inner.source.is_empty()
    }

    fn find(&self, digest: &KeyDigest) -> Lookup<C::Caller, Self::Future> {
        let Inner { source, memory, clock, holds } = &*self.inner;
        let now = clock.now().monotonic;
        if let Some(known) = memory.known.get(digest).filter(|it| now < it.until) {
            return Lookup::Ready(Some(known.what));
        }
        if memory.unknown.get(digest).is_some_and(|it| now < it.until) {
            return Lookup::Ready(None);
        }
        // The answer is as old as the question.
        let note = Note {
            digest: *digest,
            until: now.saturating_add(*holds),
            asked_at: memory.forgotten.load(Ordering::SeqCst),
        };
        match source.find(digest) {
            Lookup::Ready(found) => {
                memory.remember(&note, found.clone());
                Lookup::Ready(found)
            }
            Lookup::Pending(inner) => {
                Lookup::Pending(Remembering { inner, memory: Arc::clone(memory), note })
            }
        }
    }
}

/// Under what an answer is remembered.
struct Note {
    digest: KeyDigest,
    until: Duration,
    asked_at: u64,
}

impl<T: Clone> Memory<T> {
    fn remember(&self, note: &Note, found: Option<SharedCredential<T>>) {
        let Note { digest, until, asked_at } = *note;
        match found {
            Some(it) => self.known.insert(digest, Answer { what: it, until }),
            None => self.unknown.insert(digest, Answer { what: (), until }),
        }
        // After the insertion: whoever forgets meanwhile has either been counted here, or removes it.
        if self.forgotten.load(Ordering::SeqCst) != asked_at {
            self.known.remove(&digest);
            self.unknown.remove(&digest);
        }
    }
}

pin_project! {
    /// Waits for the source, and remembers what it says.
    pub struct Remembering<F, T> {
        #[pin]
        inner: F,
        memory: Arc<Memory<T>>,
        note: Note,
    }
}

impl<F, T> Future for Remembering<F, T>
where
    F: Future<Output = Result<Option<Arc<Credential<T>>>, SourceUnavailable>>,
    T: Clone,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx));
        if let Ok(found) = &answer {
            let found = found.clone().map(SharedCredential::from);
            this.memory.remember(this.note, found);
        }
        Poll::Ready(answer)
    }
}

impl<C: CredentialSource> Clone for Cached<C> {
    // By hand: the source need not be `Clone`.
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<C: CredentialSource> fmt::Debug for Cached<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("holds", &self.inner.holds).finish_non_exhaustive()
    }
}

impl<F, T> fmt::Debug for Remembering<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembering").finish_non_exhaustive()
    }
}
