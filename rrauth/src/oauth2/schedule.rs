//! When a token is renewed, when it is too old, and when to ask again after a failure.

use std::time::Duration;

/// The times of one token, on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// From then on another one is fetched, while this one is still sent.
    pub(crate) renew_at: Duration,
    /// From then on it is not sent any more.
    pub(crate) expires_at: Duration,
}

impl Schedule {
    /// Of a token that was asked for at `asked` and lives for `life` from when it was issued, which
    /// is later.
    ///
    /// It is renewed after 80 % of its life or 60 s before its end, whichever is earlier, but not
    /// before half of its life; and it is sent until shortly before its end (10 % of its life, at
    /// most 5 s), since a request takes time to arrive.
    pub(crate) fn new(asked: Duration, life: Duration) -> Self {
        let life = life.min(LONGEST);
        let ahead = (life / 5).max(Duration::from_secs(60)).min(life / 2);
        let margin = (life / 10).min(Duration::from_secs(5));
        let end = asked.saturating_add(life);
        Self { renew_at: end.saturating_sub(ahead), expires_at: end.saturating_sub(margin) }
    }
}

/// How long to wait after so many failures in a row: 1 s, 2 s, 4 s, …, at most a minute.
pub(crate) fn pause(failures: u32) -> Duration {
    let doubled = failures.saturating_sub(1).min(6);
    Duration::from_secs(1 << doubled).min(Duration::from_secs(60))
}

/// The life that `seconds` mean; `None` where it is over already.
pub(crate) fn life(seconds: f64) -> Option<Duration> {
    let seconds = seconds.min(LONGEST.as_secs_f64());
    Duration::try_from_secs_f64(seconds).ok().filter(|it| !it.is_zero())
}

// A token that lives for years is asked for anew every day: a bound on what a mistake of the
// endpoint's costs, and on what arithmetic meets.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_renewed_well_before_its_end() {
        check(3600.0, 2880.0, 3595.0);
        check(400.0, 320.0, 395.0);
        check(300.0, 240.0, 295.0);
        check(200.0, 140.0, 195.0);
        check(100.0, 50.0, 95.0);
        check(10.0, 5.0, 9.0);
        check(1.0, 0.5, 0.9);
        check(9_223_372_036_854_775_808.0, 69_120.0, 86_395.0);
    }

    #[test]
    fn a_life_that_is_over_is_none() {
        for over in [0.0, -0.0, -1.0, -9.3e18, f64::NEG_INFINITY] {
            assert_eq!(life(over), None, "{over}");
        }
        assert_eq!(life(1.5), Some(Duration::from_millis(1_500)));
        assert_eq!(life(1e300), Some(LONGEST));
    }

    #[test]
    fn failures_are_followed_by_longer_and_longer_pauses() {
        let pauses: Vec<_> = (1..=9).map(|it| pause(it).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(u32::MAX).as_secs(), 60);
    }

    proptest! {
        #[test]
        fn no_token_outlives_its_life(asked in any::<u32>(), life in 1_u64..u64::MAX) {
            let (asked, life) = (Duration::from_millis(asked.into()), Duration::from_millis(life));
            let Schedule { renew_at, expires_at } = Schedule::new(asked, life);
            prop_assert!(asked <= renew_at && renew_at <= expires_at);
            prop_assert!(expires_at <= asked.saturating_add(life));
        }
    }

    #[track_caller]
    fn check(seconds: f64, renewed: f64, expired: f64) {
        let asked = Duration::from_secs(1_000);
        let schedule = Schedule::new(asked, life(seconds).unwrap());
        let after = |it: Duration| (it - asked).as_secs_f64();
        assert_eq!((after(schedule.renew_at), after(schedule.expires_at)), (renewed, expired));
    }
}
