//! Asks about a token: once, however many have shown it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use rrcore::Now;
use tokio::sync::{Semaphore, watch};

use crate::client::http_client::HttpClient;
use crate::inbound::digest::KeyDigest;
use crate::inbound::verify::Unproved;
use crate::introspection::breaker::Breaker;
use crate::introspection::memory::{Asked, Known, Memory, Said, Slot};
use crate::introspection::policy::IntrospectionPolicy;
use crate::random::RandomUnavailable;
use crate::remote::exchange::{NoAnswer, exchange};

pub(super) struct Asker {
    pub(super) policy: IntrospectionPolicy,
    client: Arc<dyn HttpClient>,
    memory: Memory,
    /// Held while it is decided who asks.
    breaker: Mutex<Breaker>,
    free: Arc<Semaphore>,
}

/// What is known of a token.
pub(super) enum Opinion {
    Known(Said),
    /// It has been asked about.
    Asked(Asked),
}

impl Asker {
    pub(super) fn new(
        policy: IntrospectionPolicy,
        client: Arc<dyn HttpClient>,
    ) -> Result<Self, RandomUnavailable> {
        let memory = Memory::new(policy.cached_tokens)?;
        let free = Arc::new(Semaphore::new(policy.concurrency.min(Semaphore::MAX_PERMITS)));
        Ok(Self { policy, client, memory, breaker: Mutex::default(), free })
    }

    /// What is known of `token`; asks if nothing is.
    pub(super) fn opinion(self: &Arc<Self>, token: &str, now: Now) -> Opinion {
        let digest = self.memory.digest(token);
        let known = self.memory.get(&digest, now);
        known.map_or_else(|| self.ask(digest, token, now), Opinion::from)
    }

    /// Waits for what was asked, and no longer than that may take.
    pub(super) async fn wait(&self, mut asked: Asked) -> Said {
        // The question ends in time by itself, unless its runtime does not move.
        let limit = self.policy.timeout;
        let said = asked.wait_for(Option::is_some);
        match tokio::time::timeout(limit + limit / 16, said).await {
            Ok(Ok(said)) => said.clone().unwrap_or_else(|| Err(unavailable(GIVEN_UP))),
            Ok(Err(_)) | Err(_) => Err(unavailable(GIVEN_UP)),
        }
    }

    pub(super) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // It is whole between any two statements.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many questions are open, and how many slots are taken.
    pub(super) fn load(&self) -> (usize, usize) {
        let all = self.policy.concurrency.min(Semaphore::MAX_PERMITS);
        (all.saturating_sub(self.free.available_permits()), self.memory.len())
    }

    fn ask(self: &Arc<Self>, digest: KeyDigest, token: &str, now: Now) -> Opinion {
        let refused = |reason: &str| Opinion::Known(Err(unavailable(reason)));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return refused("there is no runtime to ask on");
        };
        let mut breaker = self.breaker();
        // Somebody may have asked since.
        if let Some(slot) = self.memory.get(&digest, now) {
            return slot.into();
        }
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            return refused("too many tokens are being asked about");
        };
        if let Err(error) = breaker.admit(now.monotonic, self.policy.timeout) {
            return refused(&error);
        }
        let (answer, asked) = watch::channel(None);
        self.memory.insert(digest, Slot::Asked(asked.clone()));
        drop(breaker);
        let (asker, request) = (Arc::clone(self), self.policy.request(token));
        runtime.spawn(async move {
            let said = asker.question(digest, request, now).await;
            answer.send_replace(Some(said));
            drop(permit);
        });
        Opinion::Asked(asked)
    }

    async fn question(&self, digest: KeyDigest, request: Request<Bytes>, now: Now) -> Said {
        let answer = exchange(&*self.client, request, LIMIT, self.policy.timeout).await;
        match &answer {
            Err(error) if is_the_server(error) => {
                self.breaker().failed(now.monotonic, error.to_string());
            }
            Ok(_) | Err(_) => self.breaker().answered(),
        }
        let (said, size) = match answer {
            Ok(answer) => (self.policy.rules.judge(answer.body(), now.wall), answer.body().len()),
            Err(error) => (Err(unavailable(&error.to_string())), 0),
        };
        let believed = self.believed(&said, now);
        if believed.is_zero() {
            self.memory.remove(&digest);
        } else {
            let until = now.monotonic.saturating_add(believed);
            let kilobytes = size.div_ceil(1_024).max(1) as u64;
            let known = Known { said: said.clone(), until, kilobytes };
            self.memory.insert(digest, Slot::Known(Arc::new(known)));
        }
        said
    }

    /// How long to remember this.
    fn believed(&self, said: &Said, now: Now) -> Duration {
        let longest = self.policy.cache;
        match said {
            Ok(active) => {
                let left = active.expires.map(|it| it.saturating_sub(now.wall));
                left.unwrap_or(longest).min(longest)
            }
            Err(Unproved::Invalid(_) | Unproved::Expired(_)) => longest.min(LONGEST_REFUSAL),
            Err(Unproved::Unavailable(_)) => PAUSE,
        }
    }
}

impl From<Slot> for Opinion {
    fn from(slot: Slot) -> Self {
        match slot {
            Slot::Asked(asked) => Self::Asked(asked),
            Slot::Known(known) => Self::Known(known.said.clone()),
        }
    }
}

/// Whether it is the server that fails, and not what was asked: other tokens would fare no better.
fn is_the_server(error: &NoAnswer) -> bool {
    match error {
        NoAnswer::Unreachable(_) | NoAnswer::TooSlow(_) => true,
        NoAnswer::Status(status) => ![
            StatusCode::BAD_REQUEST,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::INTERNAL_SERVER_ERROR,
        ]
        .contains(status),
        NoAnswer::Encoded => false,
    }
}

fn unavailable(reason: &str) -> Unproved {
    Unproved::Unavailable(format!("the issuer cannot be asked: {reason}"))
}

const LIMIT: usize = 64 * 1024;
const LONGEST_REFUSAL: Duration = Duration::from_secs(10);
/// How long not to ask again about a token of which nobody could tell.
const PAUSE: Duration = Duration::from_secs(1);
const GIVEN_UP: &str = "the question was given up";
