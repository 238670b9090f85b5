//! Who does the hashing: few at a time, and not twice in a minute.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use quick_cache::sync::Cache;
use rrcore::Now;
use sha2::Sha256;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::random::{self, RandomUnavailable};

/// Hashes passwords for any number of [`Accounts`](crate::Accounts): few at a time, on the threads
/// that tokio keeps for what blocks. A handle: clones share the threads, the queue and the memory.
///
/// Make one for the process, and give it to all accounts, those of the next configuration too. So
/// nobody, whoever it belongs to, gets more than the cores there are, and callers that are known
/// need not be hashed again because something else has changed.
///
/// It remembers who has shown the right password, for at most a minute: not the password, but an
/// HMAC-SHA-256 of it, the user name and the hash it fits, under a random key that exists in this
/// memory only. A password that was changed or taken away counts at once, because the new accounts
/// have another hash or none. What was wrong is not remembered, and costs the same every time.
#[derive(Clone)]
pub struct PasswordWorkers {
    shared: Arc<Shared>,
}

/// Says how many [`PasswordWorkers`] there are.
#[derive(Clone, Debug)]
#[must_use]
pub struct PasswordWorkersBuilder {
    threads: NonZeroUsize,
    queue: Option<usize>,
    remembered: usize,
    remember_for: Duration,
}

struct Shared {
    threads: Arc<Semaphore>,
    places: Arc<Semaphore>,
    // A hash that holds, and until when (monotonic) that need not be found out again.
    proved: Cache<PairKey, Duration>,
    remember_for: Duration,
    mac: Hmac<Sha256>,
}

/// Stands for a user name and a password, together with the hash that they are tried against.
pub(crate) type PairKey = [u8; 32];

impl PasswordWorkers {
    /// One for each core, with the defaults of [`builder`](Self::builder).
    ///
    /// # Errors
    /// [`RandomUnavailable`], since the memory needs a key.
    pub fn new() -> Result<Self, RandomUnavailable> {
        Self::builder().build()
    }

    /// One for each core, a queue of 32 for each of them, and a memory of 10,000 callers for a
    /// minute.
    pub fn builder() -> PasswordWorkersBuilder {
        PasswordWorkersBuilder {
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            queue: None,
            remembered: 10_000,
            remember_for: MAX_REMEMBER,
        }
    }

    /// A place in the queue, if there is one.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.shared.places).try_acquire_owned().ok()
    }

    /// Waits for a thread. Dropping the future gives up waiting.
    pub(crate) async fn thread(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.shared.threads).acquire_owned().await.ok()
    }

    pub(crate) fn key(&self, fingerprint: &[u8; 32], username: &str, password: &str) -> PairKey {
        let mut mac = self.shared.mac.clone();
        mac.update(fingerprint);
        // So that no other pair is written the same.
        mac.update(&(username.len() as u64).to_le_bytes());
        mac.update(username.as_bytes());
        mac.update(password.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Stands for a user name alone: no pair has an empty password.
    pub(crate) fn name(&self, username: &str) -> u128 {
        let key = self.key(&[0; 32], username, "");
        key.iter().take(16).fold(0, |name, byte| name << 8 | u128::from(*byte))
    }

    pub(crate) fn remembers(&self, key: &PairKey, now: Now) -> bool {
        match self.shared.proved.get(key) {
            Some(until) if now.monotonic < until => true,
            Some(_) => {
                self.shared.proved.remove(key);
                false
            }
            None => false,
        }
    }

    /// Remembers that this holds, from `now` on.
    pub(crate) fn remember(&self, key: PairKey, now: Now) {
        let until = now.monotonic.saturating_add(self.shared.remember_for);
        if now.monotonic < until {
            self.shared.proved.insert(key, until);
        }
    }
}

impl PasswordWorkersBuilder {
    /// Hashes on so many threads at once.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Lets so many pairs of user name and password wait besides those that are being hashed;
    /// any more are refused at once. Callers that show the same pair wait together.
    pub fn queue(mut self, queue: usize) -> Self {
        self.queue = Some(queue);
        self
    }

    /// Remembers about so many callers; 0: none.
    pub fn remembered(mut self, callers: usize) -> Self {
        self.remembered = callers;
        self
    }

    /// Remembers a caller for so long, at most a minute. Being used does not prolong it.
    pub fn remember_for(mut self, time: Duration) -> Self {
        self.remember_for = time.min(MAX_REMEMBER);
        self
    }

    /// The workers.
    ///
    /// # Errors
    /// [`RandomUnavailable`], since the memory needs a key.
    pub fn build(self) -> Result<PasswordWorkers, RandomUnavailable> {
        let mut key = Zeroizing::new([0; 64]);
        random::fill(&mut *key)?;
        let threads = self.threads.get().min(Semaphore::MAX_PERMITS);
        let queue = self.queue.unwrap_or(threads.saturating_mul(QUEUE_PER_THREAD));
        let places = threads.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        let remember_for = if self.remembered == 0 { Duration::ZERO } else { self.remember_for };
        let shared = Shared {
            threads: Arc::new(Semaphore::new(threads)),
            places: Arc::new(Semaphore::new(places)),
            proved: Cache::new(self.remembered),
            remember_for,
            mac: Hmac::new((&*key).into()),
        };
        Ok(PasswordWorkers { shared: Arc::new(shared) })
    }
}

impl fmt::Debug for PasswordWorkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordWorkers")
            .field("idle_threads", &self.shared.threads.available_permits())
            .field("free_places", &self.shared.places.available_permits())
            .field("remembered", &self.shared.proved.len())
            .finish()
    }
}

// How long a password that was guessed right once may go on without being hashed.
const MAX_REMEMBER: Duration = Duration::from_secs(60);
// At 16 ms a hash, the last in the queue waits for half a second.
const QUEUE_PER_THREAD: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;

    use proptest::prelude::*;
    use tokio_test::task::spawn;

    #[test]
    fn a_key_stands_for_one_triple() {
        let workers = PasswordWorkers::new().unwrap();
        let key = workers.key(&[0; 32], "ab", "c");
        assert_eq!(workers.key(&[0; 32], "ab", "c"), key);
        assert_ne!(workers.key(&[1; 32], "ab", "c"), key);
        assert_ne!(workers.key(&[0; 32], "a", "bc"), key);
        assert_ne!(workers.key(&[0; 32], "ab", "C"), key);
        let others = PasswordWorkers::new().unwrap();
        assert_ne!(others.key(&[0; 32], "ab", "c"), key, "each has its own key");
    }

    #[test]
    fn nothing_is_remembered_beyond_its_time() {
        check_memory(PasswordWorkers::builder(), 59_999, true);
        check_memory(PasswordWorkers::builder(), 60_000, false);
        let longer = PasswordWorkers::builder().remember_for(Duration::MAX);
        check_memory(longer, 60_000, false);
        let shorter = PasswordWorkers::builder().remember_for(Duration::from_secs(1));
        check_memory(shorter.clone(), 999, true);
        check_memory(shorter, 1_000, false);
        check_memory(PasswordWorkers::builder().remember_for(Duration::ZERO), 0, false);
        check_memory(PasswordWorkers::builder().remembered(0), 0, false);
    }

    #[test]
    fn what_was_used_is_not_remembered_for_longer() {
        let workers = PasswordWorkers::new().unwrap();
        workers.remember([7; 32], at(0));
        assert!(workers.remembers(&[7; 32], at(59_000)));
        assert!(!workers.remembers(&[7; 32], at(61_000)));
        assert_eq!(workers.shared.proved.len(), 0, "what is too old is let go");
    }

    #[test]
    fn only_so_many_hash_and_wait_at_once() {
        let builder = PasswordWorkers::builder().threads(NonZeroUsize::MIN).queue(2);
        let workers = builder.build().unwrap();
        let hashing = spawn(workers.thread()).poll();
        assert!(matches!(hashing, Poll::Ready(Some(_))));
        let mut waiting = spawn(workers.thread());
        assert!(waiting.poll().is_pending());
        drop(hashing);
        assert!(waiting.is_woken());
        let places: Vec<_> = std::iter::from_fn(|| workers.place()).collect();
        assert_eq!(places.len(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_memory_is_bounded(room in 1_usize..200, callers in 0_u32..2_000) {
            let workers = PasswordWorkers::builder().remembered(room).build().unwrap();
            for caller in 0..callers {
                let mut key = [0; 32];
                key[..4].copy_from_slice(&caller.to_le_bytes());
                workers.remember(key, at(0));
            }
            // Divided among shards, each of which rounds up.
            prop_assert!(workers.shared.proved.len() <= room + workers.shared.proved.num_shards());
        }
    }

    #[track_caller]
    fn check_memory(builder: PasswordWorkersBuilder, after_ms: u64, is_remembered: bool) {
        let workers = builder.build().unwrap();
        workers.remember([7; 32], at(5));
        assert_eq!(workers.remembers(&[7; 32], at(5 + after_ms)), is_remembered);
        assert!(!workers.remembers(&[8; 32], at(5)));
    }

    fn at(milliseconds: u64) -> Now {
        Now { monotonic: Duration::from_millis(milliseconds), wall: Duration::ZERO }
    }
}
