//! Fetches in the background, one at a time, for whoever waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rrcore::{Current, Guard, Handle, Now};
use tokio::sync::watch;

use crate::random;
use crate::remote::document::Document;
use crate::remote::error::RemoteUnavailable;
use crate::remote::record::{Record, Turn, Wish};
use crate::remote::source::Source;

/// What a [`Remote`](crate::Remote), its fetch and those who wait for it share.
pub(crate) struct Shared<T> {
    source: Source<T>,
    held: Handle<Option<Document<T>>>,
    current: Current<Option<Document<T>>>,
    /// When the next fetch is due; [`NEVER`] while one is on its way. A copy of the record's, for
    /// those who must not wait for a lock.
    due: AtomicU64,
    /// Until when the document is served without waiting for a fetch.
    served_until: AtomicU64,
    record: Mutex<Record>,
    /// How many fetches have ended.
    ended: watch::Sender<u64>,
}

/// What comes of a [`Wish`].
pub(crate) enum Attempt {
    /// A fetch is on its way: this changes when it ends.
    Running(watch::Receiver<u64>),
    /// There is none, and there will be none yet.
    None(RemoteUnavailable),
}

impl<T: Send + Sync + 'static> Shared<T> {
    pub(crate) fn new(source: Source<T>) -> Self {
        let held = Handle::new(None);
        Self {
            source,
            current: held.clone().into(),
            held,
            due: AtomicU64::new(0),
            served_until: AtomicU64::new(0),
            record: Mutex::default(),
            ended: watch::Sender::new(0),
        }
    }

    pub(crate) const fn source(&self) -> &Source<T> {
        &self.source
    }

    /// The document, if there is one, however old.
    pub(crate) fn current(&self) -> Guard<'_, Option<Document<T>>> {
        self.current.get()
    }

    pub(crate) fn is_due(&self, now: Now) -> bool {
        nanoseconds(now.monotonic) >= self.due.load(Ordering::Acquire)
    }

    /// Whether the document is fresh, or its server is known to be down.
    pub(crate) fn is_served(&self, now: Now) -> bool {
        nanoseconds(now.monotonic) < self.served_until.load(Ordering::Acquire)
    }

    pub(crate) fn is_usable(&self, document: &Document<T>, now: Now) -> bool {
        document.is_fresh(now) || document.age(now) < self.source.freshness.max_stale
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        // A record is whole between any two statements.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the fetch that is on its way, or begins one if it may.
    pub(crate) fn attempt(self: &Arc<Self>, wish: Wish, now: Now) -> Attempt {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Attempt::None(RemoteUnavailable::new("there is no runtime to fetch on"));
        };
        let mut record = self.record();
        let ended = self.ended.subscribe();
        let serial = match record.turn(wish, now.monotonic) {
            Turn::Begin(serial) => serial,
            Turn::Running => return Attempt::Running(ended),
            Turn::TooEarly => return Attempt::None(unavailable(&record)),
        };
        self.due.store(NEVER, Ordering::Release);
        // First: a runtime that shuts down drops the fetch at once, which takes the lock.
        drop(record);
        let fetch = Fetch { shared: Arc::clone(self), begun: now, serial, outcome: None };
        let task = runtime.spawn(fetch.run());
        self.record().is_fetched_by(serial, task.abort_handle());
        Attempt::Running(ended)
    }

    /// Waits until the fetch has ended, and no longer than a fetch may take.
    pub(crate) async fn wait(
        self: Arc<Self>,
        mut ended: watch::Receiver<u64>,
        now: Now,
    ) -> Result<Document<T>, RemoteUnavailable> {
        // The fetch ends in time by itself, unless its runtime does not move.
        let limit = self.source.freshness.timeout;
        let _ = tokio::time::timeout(limit + limit / 16, ended.changed()).await;
        let current = self.current();
        match current.as_ref().filter(|it| self.is_usable(it, now)) {
            Some(document) => Ok(document.clone()),
            None => Err(unavailable(&self.record())),
        }
    }

    fn end(&self, begun: Now, serial: u64, outcome: Result<Document<T>, String>) {
        let freshness = &self.source.freshness;
        let chance = chance();
        let mut record = self.record();
        let (served, pause, error) = match outcome {
            Ok(mut document) => {
                (document.fetched, document.serial) = (begun.monotonic, serial);
                let lifetime = document.lifetime;
                self.held.set(Some(document));
                (lifetime, freshness.refresh_after(lifetime, chance), None)
            }
            Err(error) => {
                let served = self.current().as_ref().is_some_and(|it| self.is_usable(it, begun));
                let failures = record.failures.saturating_add(1);
                let pause = freshness.retry_after(failures, served, chance);
                (freshness.lifetime, pause, Some(error))
            }
        };
        self.schedule(begun, pause, served);
        record.end(begun.monotonic.saturating_add(pause), error);
        drop(record);
        self.ended.send_modify(|it| *it += 1);
    }

    fn schedule(&self, begun: Now, pause: Duration, served: Duration) {
        let after = |it| nanoseconds(begun.monotonic.saturating_add(it));
        self.served_until.store(after(served), Ordering::Release);
        self.due.store(after(pause), Ordering::Release);
    }
}

/// One fetch. Whatever becomes of it (an end, a panic, a runtime that is gone), its end is recorded.
struct Fetch<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    begun: Now,
    serial: u64,
    outcome: Option<Result<Document<T>, String>>,
}

impl<T: Send + Sync + 'static> Fetch<T> {
    async fn run(mut self) {
        let old = self.shared.current().as_ref().cloned();
        self.outcome = Some(self.shared.source.fetch(old.as_ref()).await);
    }
}

impl<T: Send + Sync + 'static> Drop for Fetch<T> {
    fn drop(&mut self) {
        let given_up = || Err("the fetch was given up".to_owned());
        let outcome = self.outcome.take().unwrap_or_else(given_up);
        self.shared.end(self.begun, self.serial, outcome);
    }
}

fn unavailable(record: &Record) -> RemoteUnavailable {
    RemoteUnavailable::new(record.last_error.as_deref().unwrap_or("it has not come yet"))
}

/// Where in the span of what is left to chance. Without random bytes, the middle.
fn chance() -> u8 {
    let mut byte = [0];
    random::fill(&mut byte).map_or(128, |()| u8::from_le_bytes(byte))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER).min(NEVER - 1)
}

const NEVER: u64 = u64::MAX;
