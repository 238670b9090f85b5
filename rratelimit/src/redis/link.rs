//! The one connection to the store, behind its breaker; every call over it is bounded.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use redis::Value;
use tokio::sync::Notify;

use super::breaker::{Breaker, BreakerState, Failure};
use super::connection::Connection;
use super::lock::lock;
use super::script::{Run, Script};
use super::trouble::StoreTrouble;

/// Shared by all who ask. Only the worker connects and probes.
pub(crate) struct Link {
    held: Mutex<Held>,
    opened: Notify,
    timeout: Duration,
}

struct Held {
    connection: Option<Connection>,
    /// Which connection this is: what a former one still has to say does not count.
    generation: u64,
    breaker: Breaker,
    /// Why the breaker is open, if anybody knows.
    trouble: Option<StoreTrouble>,
}

/// The store did not answer, or was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    /// Whether it may have heard the question, and done what was asked.
    pub(crate) heard: bool,
    /// Whether because of this it is asked no more.
    pub(crate) opened: bool,
}

impl Link {
    pub(crate) fn new(timeout: Duration) -> Self {
        let breaker = Breaker::open();
        let held = Held { connection: None, generation: 0, breaker, trouble: None };
        Self { held: Mutex::new(held), opened: Notify::new(), timeout }
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.held().breaker.state()
    }

    /// Why the store is not asked.
    pub(crate) fn trouble(&self) -> Option<StoreTrouble> {
        self.held().trouble
    }

    /// Runs `script`, unless the breaker is open. What `read` cannot read is no answer.
    pub(crate) async fn call<T>(
        &self,
        script: &Script,
        run: &Run,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, NoAnswer> {
        self.call_after(Duration::ZERO, script, run, read).await
    }

    /// The same for somebody who has `waited` for so long already.
    pub(crate) async fn call_after<T>(
        &self,
        waited: Duration,
        script: &Script,
        run: &Run,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, NoAnswer> {
        let (connection, generation) = {
            let held = self.held();
            (held.connection.clone(), held.generation)
        };
        let left = self.timeout.saturating_sub(waited);
        // Whose time is over before the store was asked has nothing to say about the store.
        let mut connection = connection
            .filter(|_| !left.is_zero())
            .ok_or(NoAnswer { heard: false, opened: false })?;
        let answer = tokio::time::timeout(left, script.run(&mut connection, run)).await;
        let failure = match answer {
            Ok(Ok(value)) => match read(&value) {
                Some(answer) => {
                    self.succeeded(generation);
                    return Ok(answer);
                }
                None => (Failure::Call, StoreTrouble::Nonsense),
            },
            Ok(Err(error)) if error.is_unrecoverable_error() => {
                (Failure::Connection, StoreTrouble::of(&error))
            }
            Ok(Err(error)) => (Failure::Call, StoreTrouble::of(&error)),
            Err(_) => (Failure::Call, StoreTrouble::Silent),
        };
        Err(NoAnswer { heard: true, opened: self.failed(generation, failure) })
    }

    /// Waits until the breaker opens.
    pub(crate) async fn opened(&self) {
        self.opened.notified().await;
    }

    pub(crate) fn probing(&self) {
        self.held().breaker.probing();
    }

    /// Whether the store is asked again from now on, where it was not.
    pub(crate) fn probed(&self, connection: Result<Connection, StoreTrouble>) -> bool {
        let mut held = self.held();
        let closes = held.breaker.probed(connection.is_ok());
        held.generation += 1;
        held.trouble = connection.as_ref().err().copied();
        held.connection = connection.ok();
        closes
    }

    fn succeeded(&self, generation: u64) {
        let mut held = self.held();
        if held.generation == generation {
            held.breaker.succeeded();
        }
    }

    fn failed(&self, generation: u64, (failure, trouble): (Failure, StoreTrouble)) -> bool {
        let mut held = self.held();
        if held.generation != generation || !held.breaker.failed(failure) {
            return false;
        }
        held.trouble = Some(trouble);
        let lost = held.connection.take();
        drop(held);
        // What ends with it, ends while nobody waits for the lock.
        drop(lost);
        self.opened.notify_one();
        true
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        lock(&self.held)
    }
}
