//! The memory of what was spent, shared by all threads.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rrcore::Now;

use crate::decision::Decision;
use crate::key::Key;
use crate::policy::Policy;
use crate::shard::Shard;

/// Remembers what each [`Key`] has spent, and decides by it.
///
/// Keep one for as long as counts are to last, and give it to every layer that is to share them:
/// a new [`Policy`] with other maxima goes on where the old one was.
///
/// Bounded: at most so many keys. A key of which nothing counts any more makes room for others; a
/// key that still counts is never forgotten. Keys for which there is no room share what one key
/// may spend, in each of up to 64 parts of the table, so they are refused too early rather than
/// too late.
///
/// ```
/// use std::time::Duration;
/// use rratelimit::{Key, Limit, Limiter, Policy};
/// use rrcore::ManualClock;
///
/// let clock = ManualClock::starting_at(Duration::from_secs(1_700_000_000)).clock();
/// let policy = Policy::new([Limit::sliding("perMinute", 2, Duration::from_secs(60))])?;
/// let limiter = Limiter::new();
///
/// let alice = Key::of(&["alice"]);
/// assert!(limiter.check(&policy, alice, clock.now()).is_allowed());
/// assert!(limiter.check(&policy, alice, clock.now()).is_allowed());
/// let refused = limiter.check(&policy, alice, clock.now());
/// assert_eq!(refused.retry_after(), Some(Duration::from_secs(61)));
/// assert!(limiter.check(&policy, Key::of(&["bob"]), clock.now()).is_allowed());
/// # Ok::<_, rratelimit::InvalidPolicy>(())
/// ```
pub struct Limiter {
    // Never empty, and so in two.
    first: Mutex<Shard>,
    others: Box<[Mutex<Shard>]>,
    max_keys: usize,
}

impl Limiter {
    /// Remembers up to a million keys.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(1_000_000)
    }

    /// Remembers up to `max_keys` keys: about 200 bytes for one with two limits, plus up to 1 KiB
    /// for each sliding window that it uses all the time. Takes no memory before keys come.
    #[must_use]
    pub fn with_capacity(max_keys: usize) -> Self {
        let shards = (max_keys / KEYS_PER_SHARD).clamp(1, MAX_SHARDS);
        let shard = || Mutex::new(Shard::new(max_keys / shards));
        Self { first: shard(), others: (1..shards).map(|_| shard()).collect(), max_keys }
    }

    /// Counts one request of `key` against all limits of `policy`, or against none.
    ///
    /// Exact however many threads ask at once. `now` is a reading of one and the same clock each
    /// time; a reading that is older than one before it counts as that one.
    pub fn check(&self, policy: &Policy, key: Key, now: Now) -> Decision {
        self.shard(key).check(policy, key, now)
    }

    /// The answer that [`check`](Self::check) would give, without counting the request.
    pub fn peek(&self, policy: &Policy, key: Key, now: Now) -> Decision {
        self.shard(key).peek(policy, key, now)
    }

    fn shard(&self, key: Key) -> MutexGuard<'_, Shard> {
        let [high, _] = key.halves();
        let shards = u64::try_from(self.others.len()).unwrap_or(u64::MAX).saturating_add(1);
        let other = usize::try_from(high % shards).ok().and_then(|it| it.checked_sub(1));
        let shard = other.and_then(|it| self.others.get(it)).unwrap_or(&self.first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("max_keys", &self.max_keys).finish_non_exhaustive()
    }
}

const MAX_SHARDS: usize = 64;
// Fewer, and by chance one part of the table would be full long before the others.
const KEYS_PER_SHARD: usize = 1_024;
