//! How often a client address may show a wrong credential, counted as requests are.

use std::sync::Arc;
use std::time::Duration;

use rratelimit::{Charge, Decision, Key, Limiter, Policy};
use rrauth::FailureLimit;
use rrcore::{ClientAddress, Now};

/// Counts the failures of client addresses, over all proxies of a client.
pub struct Guesses {
    limiter: Arc<Limiter>,
    policy: Arc<Policy>,
    client: Arc<str>,
}

impl Guesses {
    /// Admits as many failures as `policy` says.
    #[must_use]
    pub const fn new(limiter: Arc<Limiter>, policy: Arc<Policy>, client: Arc<str>) -> Self {
        Self { limiter, policy, client }
    }

    fn key(&self, address: ClientAddress) -> Key {
        Key::of(&["authFailures", &self.client, &address.network().to_string()])
    }
}

impl FailureLimit for Guesses {
    fn admit(&self, client: ClientAddress, now: Now) -> Result<(), Duration> {
        match self.limiter.peek(&self.policy, self.key(client), now) {
            Decision::Allowed { .. } => Ok(()),
            Decision::Refused { retry_after, .. } => Err(retry_after),
        }
    }

    fn failed(&self, client: ClientAddress, now: Now) {
        // Beyond the limit, too: of many that were under way at once, each counts.
        self.limiter.add(&[Charge::one(&self.policy, self.key(client))], now);
    }
}
