//! The time by which counts are kept: it never goes back.

use std::time::Duration;

use rrcore::Now;

/// A reading that is never older than the one it was made from.
///
/// Requests come here in another order than that in which they read the clock. That is straightened
/// out here, once, so that a count that is over stays over. What a wall clock does that steps is
/// for the counts to straighten out that go by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Time {
    /// Monotonic nanoseconds. Below `u64::MAX`, so that what ends there never ends.
    pub(crate) at: u64,
    /// Nanoseconds since the Unix epoch, as the newest reading had it.
    pub(crate) wall: u64,
}

impl Time {
    /// The time after `self`, now that a clock shows `reading`.
    #[inline]
    #[must_use]
    pub(crate) const fn advance(self, reading: Self) -> Self {
        if reading.at < self.at { self } else { reading }
    }
}

impl From<Now> for Time {
    #[inline]
    fn from(now: Now) -> Self {
        Self { at: nanos(now.monotonic), wall: nanos(now.wall) }
    }
}

/// Nanoseconds, as many as a count can hold with one to spare: 584 years.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    // Not by `as_nanos`, which takes 128 bits.
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(duration.subsec_nanos().into()).min(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_reading_is_read_as_the_newest() {
        let reading = |secs| {
            let wall = Duration::from_secs(86_400 + secs);
            Time::from(Now { monotonic: Duration::from_secs(secs), wall })
        };
        let newest = Time::default().advance(reading(90_000));
        assert_eq!(newest.advance(reading(80_000)), newest);
    }
}
