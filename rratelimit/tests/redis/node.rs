//! One node: a store, a runtime to wait in, and what it heard of the store's state.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rratelimit::{
    BreakerState, Charge, Decision, Key, Policy, RedisStore, RedisStoreBuilder, Store, StoreState,
    Taking, Unavailable,
};
use rrcore::Clock;
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Node {
    pub(crate) store: RedisStore,
    pub(crate) runtime: Runtime,
    heard: Receiver<StoreState>,
    clock: Clock,
}

impl Node {
    /// Started, and perhaps connected some day.
    pub(crate) fn start(builder: RedisStoreBuilder) -> Self {
        let (tell, heard) = channel();
        let store = builder.on_change(move |it| _ = tell.send(*it)).start().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { store, runtime, heard, clock: Clock::system() }
    }

    pub(crate) fn connected(url: &str) -> Self {
        // In tests the machine is shared with others: what is late is not lost.
        let node = Self::start(RedisStore::builder(url).timeout(Duration::from_millis(500)));
        node.hears(BreakerState::Closed);
        node
    }

    /// Waits for a change to this state, and says how long that took.
    pub(crate) fn hears(&self, state: BreakerState) -> Duration {
        let start = self.clock.monotonic();
        self.hears_of(state);
        self.clock.monotonic() - start
    }

    /// The same, and says how it stands with the store then.
    pub(crate) fn hears_of(&self, state: BreakerState) -> StoreState {
        loop {
            let heard = self.heard.recv_timeout(Duration::from_secs(10)).expect("a change");
            if heard.breaker == state {
                return heard;
            }
        }
    }

    pub(crate) fn heard_changes(&self) -> Vec<BreakerState> {
        self.heard.try_iter().map(|it| it.breaker).collect()
    }

    pub(crate) fn take(&self, charges: &[Charge<'_>]) -> Result<Decision, Unavailable> {
        match self.store.take(charges, self.clock.now()) {
            Taking::Now(decision) => decision,
            Taking::Later(later) => self.runtime.block_on(later),
        }
    }

    pub(crate) fn one(&self, policy: &Policy, key: &str) -> Result<Decision, Unavailable> {
        self.take(&[Charge::one(policy, Key::of(&[key]))])
    }

    pub(crate) fn passes(&self, policy: &Policy, key: &str) -> bool {
        self.one(policy, key).is_ok_and(|it| it.is_allowed())
    }

    /// How many pass of so many.
    pub(crate) fn passing(&self, policy: &Policy, key: &str, of: usize) -> usize {
        (0..of).filter(|_| self.passes(policy, key)).count()
    }

    /// A decision, and how long it took.
    pub(crate) fn timed(
        &self,
        policy: &Policy,
        key: &str,
    ) -> (Result<Decision, Unavailable>, Duration) {
        let start = self.clock.monotonic();
        let decision = self.one(policy, key);
        (decision, self.clock.monotonic() - start)
    }

    /// What the store has counted of the first limit.
    pub(crate) fn spent(&self, policy: &Policy, key: &str) -> u64 {
        let asked = [(policy, Key::of(&[key]))];
        let start = self.clock.monotonic();
        let usage = loop {
            match self.store.usage(&asked, self.now()) {
                Some(usage) => break usage,
                None => {
                    let took = self.clock.monotonic() - start;
                    assert!(took < Duration::from_secs(2), "no answer");
                }
            }
        };
        usage.concat().first().expect("a limit").spent
    }

    pub(crate) fn now(&self) -> rrcore::Now {
        self.clock.now()
    }
}
