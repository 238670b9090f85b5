//! Time as an argument: one reading per request, of two clocks, and a clock for tests.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One reading of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time since an arbitrary start that all clones of a clock share; never goes back.
    /// For windows, timeouts and caches.
    pub monotonic: Duration,
    /// Time since the Unix epoch; may jump. For expiry dates, calendar windows and records.
    pub wall: Duration,
}

/// Where layers read the time. Cheap to clone.
#[derive(Clone, Default)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(ManualClock),
}

/// A clock that moves only when told to.
///
/// ```
/// use std::time::Duration;
/// use rrcore::ManualClock;
///
/// let hand = ManualClock::starting_at(Duration::from_secs(1_000));
/// let clock = hand.clock();
/// let before = clock.now();
/// hand.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().monotonic - before.monotonic, Duration::from_secs(60));
/// assert_eq!(clock.now().wall, Duration::from_secs(1_060));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<Now>>,
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    pub const fn system() -> Self {
        Self { source: Source::System }
    }

    /// Reads both clocks. Layers do this once per request, through
    /// [`Context`](crate::Context).
    #[must_use]
    pub fn now(&self) -> Now {
        match &self.source {
            Source::System => {
                let monotonic = monotonic();
                Now { monotonic, wall: wall_at(monotonic) }
            }
            Source::Manual(hand) => hand.now(),
        }
    }

    /// Reads the monotonic clock alone: how long something took.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.source {
            Source::System => monotonic(),
            Source::Manual(hand) => hand.now().monotonic,
        }
    }
}

impl ManualClock {
    /// A clock that shows `wall` (time since the Unix epoch) until it is moved.
    #[must_use]
    pub fn starting_at(wall: Duration) -> Self {
        Self { now: Arc::new(Mutex::new(Now { monotonic: Duration::ZERO, wall })) }
    }

    /// A clock for layers that moves with this hand.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock { source: Source::Manual(self.clone()) }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        self.change(|now| {
            now.monotonic += by;
            now.wall += by;
        });
    }

    /// Steps the wall clock alone, as NTP or an operator would.
    pub fn set_wall(&self, wall: Duration) {
        self.change(|now| now.wall = wall);
    }

    fn now(&self) -> Now {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Source::System => "Clock(system)",
            Source::Manual(_) => "Clock(manual)",
        })
    }
}

// One start for the whole process, so that limiters and layers made at different times agree.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
fn monotonic() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

// How far the wall clock is ahead of the monotonic one: reading both takes twice as long as reading
// one, and every request does. A step of the wall clock is seen a millisecond late at the most.
fn wall_at(monotonic: Duration) -> Duration {
    static AHEAD: AtomicU64 = AtomicU64::new(0);
    static READ_AGAIN: AtomicU64 = AtomicU64::new(0);
    if packed(monotonic) < READ_AGAIN.load(Acquire) {
        return monotonic.saturating_add(unpacked(AHEAD.load(Relaxed)));
    }
    let wall = wall();
    // A wall clock that shows less than the process has run does so for as long as nobody sets it.
    if let Some(ahead) = wall.checked_sub(monotonic) {
        AHEAD.store(packed(ahead), Relaxed);
        READ_AGAIN.store(packed(monotonic.saturating_add(MILLISECOND)), Release);
    }
    wall
}

// Seconds, and below them nanoseconds: as in a duration, so that nothing is multiplied or divided.
// Later is more. Good for five centuries.
fn packed(duration: Duration) -> u64 {
    duration.as_secs() << NANOS_BITS | u64::from(duration.subsec_nanos())
}

fn unpacked(packed: u64) -> Duration {
    let nanos = packed & ((1 << NANOS_BITS) - 1);
    Duration::new(packed >> NANOS_BITS, nanos as u32)
}

// 10⁹ is less than two to the power of this.
const NANOS_BITS: u32 = 30;
const MILLISECOND: Duration = Duration::from_millis(1);

// A wall clock before 1970 reads as 1970: expiry dates then hold, and nothing underflows.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
