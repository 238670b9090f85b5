//! A limit as the scripts are told of it.

use std::time::Duration;

use super::script::Run;
use crate::policy::Limit;
use crate::window::Window;

/// Which kind it is, and its numbers; times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    kind: &'static str,
    max: u64,
    /// Of a sliding window, a sixtieth; of a fixed one, its length; of a bucket, the price of a unit;
    /// of a permit, how long it is good for without a sign of its holder.
    a: u64,
    /// What a microsecond pays back to a bucket.
    b: u64,
    burst: u64,
}

impl Terms {
    pub(crate) fn of(limit: &Limit, permits_last: Duration) -> Self {
        let max = limit.max();
        let (kind, a, b, burst) = match limit.window() {
            // Rounded up: sixty of them are not shorter than the window.
            Window::Sliding(length) => ("s", micros(length).div_ceil(60), 0, 0),
            Window::Fixed(length) => ("f", micros(length), 0, 0),
            Window::CalendarDay => ("d", 0, 0, 0),
            Window::CalendarMonth => ("m", 0, 0, 0),
            // A bucket that never fills holds nothing, either.
            Window::TokenBucket { .. } if max == 0 => ("b", 1, 1, 0),
            Window::TokenBucket { per, burst } => {
                let both = common_divisor(micros(per).max(1), max);
                ("b", micros(per).max(1) / both, max / both, burst)
            }
            Window::Concurrency => ("c", micros(permits_last), 0, 0),
        };
        Self { kind, max, a, b, burst }
    }

    pub(crate) fn is_concurrency(&self) -> bool {
        self.kind == "c"
    }

    /// For `take.lua`.
    pub(crate) fn push_on(&self, run: &mut Run, need: u64, binds: bool, extra: u64, share: u64) {
        run.text(self.kind);
        for number in [self.max, self.a, self.b, self.burst, need, binds.into(), extra, share] {
            run.number(number);
        }
    }

    /// For `look.lua`: what it looks at.
    pub(crate) fn push_whole_on(&self, run: &mut Run) {
        run.text(self.kind);
        for number in [self.max, self.a, self.b, self.burst] {
            run.number(number);
        }
    }

    /// For `late.lua` and `refund.lua`: what units are of.
    pub(crate) fn push_bucket_on(&self, run: &mut Run) {
        run.text(self.kind);
        for number in [self.a, self.b, self.burst] {
            run.number(number);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

const fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_unit_costs_and_a_microsecond_pays_is_the_rate_in_whole_numbers() {
        let minute = Duration::from_secs(60);
        for (max, expected) in [
            (1, ("b", 60_000_000, 1, 5)),
            (60, ("b", 1_000_000, 1, 5)),
            (100, ("b", 600_000, 1, 5)),
            (7, ("b", 60_000_000, 7, 5)),
            (120_000_000, ("b", 1, 2, 5)),
            (0, ("b", 1, 1, 0)),
        ] {
            let limit = Limit::token_bucket("a", max, minute, 5);
            let it = Terms::of(&limit, minute);
            assert_eq!((it.kind, it.a, it.b, it.burst), expected, "{max} a minute");
        }
    }

    #[test]
    fn sixty_parts_are_not_shorter_than_the_window() {
        for seconds in [1, 7, 60, 86_400, 366 * 86_400] {
            let window = Duration::from_secs(seconds);
            let it = Terms::of(&Limit::sliding("a", 1, window), window);
            assert!(Duration::from_micros(it.a * 60) >= window, "{seconds}");
        }
    }
}
