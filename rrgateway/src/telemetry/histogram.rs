//! How long things took.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counts of durations by how long they were. Seeing one is two additions, and no lock.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// What several have seen.
pub(crate) struct Seen {
    /// Seconds.
    pub(crate) sum: f64,
    pub(crate) count: u64,
    /// Each with its upper bound in seconds; what is in it is in no other.
    pub(crate) buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// Counts one that took this long.
    pub(crate) fn see(&self, took: Duration) {
        let bucket = BOUNDS.iter().position(|it| took <= *it).unwrap_or(BOUNDS.len());
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// What all of `parts` have seen.
    pub(crate) fn together<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Seen {
        let bounds = BOUNDS.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let mut seen = Seen { sum: 0.0, count: 0, buckets: bounds.map(|it| (it, 0)).collect() };
        let mut nanos = 0;
        for part in parts {
            for (all, count) in seen.buckets.iter_mut().zip(&part.counts) {
                all.1 += count.load(Relaxed);
            }
            nanos += part.nanos.load(Relaxed);
        }
        seen.sum = Duration::from_nanos(nanos).as_secs_f64();
        // Not counted apart: then it would not always be what is in the buckets.
        seen.count = seen.buckets.iter().map(|it| it.1).sum();
        seen
    }
}

/// From what a gateway itself takes to what a caller waits for at the most.
const BOUNDS: [Duration; 15] = [
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];
