//! Over which time a limit counts.

use std::time::Duration;

use crate::key::Key;
use crate::time::nanos;

/// Over which time a limit counts, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The time before each request, in sixty parts of which the oldest counts whole. Whole
    /// seconds, from one second to 366 days.
    Sliding(Duration),
    /// From one multiple of this, in UTC, to the next: of a minute, an hour. Whole seconds, from
    /// one second to 366 days.
    Fixed(Duration),
    /// The day by the wall clock, in UTC: starts anew at midnight.
    CalendarDay,
    /// The month by the wall clock, in UTC: starts anew at midnight of the first.
    CalendarMonth,
    /// A bucket that holds `burst`, and that fills by the limit's maximum in each `per`. Never lets
    /// more pass than `burst + maximum / per × elapsed`.
    TokenBucket {
        /// How long it takes to fill by the limit's maximum. Whole seconds, from one second to
        /// 366 days.
        per: Duration,
        /// What it holds; at least 1.
        burst: u64,
    },
    /// What runs at the same time.
    Concurrency,
}

/// What a counter calls the window that something was taken from.
pub(crate) type Mark = [u64; 2];

impl Window {
    /// How long it is: of a month, the longest; of what runs at the same time, nothing.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Sliding(length) | Self::Fixed(length) | Self::TokenBucket { per: length, .. } => {
                length
            }
            Self::CalendarDay => DAY,
            Self::CalendarMonth => Duration::from_secs(31 * 86_400),
            Self::Concurrency => Duration::ZERO,
        }
    }

    /// What tells counts of this window from those of others: not how much a bucket holds.
    pub(crate) fn tag(self) -> [u64; 2] {
        let kind = match self {
            Self::Sliding(_) => 1,
            Self::Fixed(_) => 2,
            Self::CalendarDay => 3,
            Self::CalendarMonth => 4,
            Self::TokenBucket { .. } => 5,
            Self::Concurrency => 6,
        };
        [kind, nanos(self.length())]
    }

    /// Under which number it counts what is called `name`.
    pub(crate) fn id(self, name: &str) -> u64 {
        let [kind, length] = self.tag().map(u64::to_le_bytes);
        let parts = [b"limit".as_slice(), name.as_bytes(), &kind, &length];
        let [id, _] = Key::of_bytes(parts).halves();
        id
    }

    /// Which of these windows it is when the wall clock shows `wall` (nanoseconds since the Unix
    /// epoch). Meaningful for windows of the wall clock only.
    pub(crate) fn on_the_wall(self, wall: u64) -> u64 {
        match self {
            Self::CalendarMonth => month_of(wall / nanos(DAY)),
            _ => wall.checked_div(nanos(self.length())).unwrap_or(0),
        }
    }

    /// When the window with this number ends (nanoseconds since the Unix epoch).
    pub(crate) fn ends_on_the_wall(self, index: u64) -> u64 {
        let next = index.saturating_add(1);
        match self {
            Self::CalendarMonth => first_day_of(next).saturating_mul(nanos(DAY)),
            _ => next.saturating_mul(nanos(self.length())),
        }
    }
}

/// Months since January of the year 0, `days` after 1 January 1970.
// Years are taken to begin in March: then the leap day is their last. 400 years have 146,097 days,
// and 719,468 of them lie between 1 March of the year 0 and 1970.
const fn month_of(days: u64) -> u64 {
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    (era * 400 + year) * 12 + month + 2
}

/// Days from 1 January 1970 until `month` begins, which is none before that.
const fn first_day_of(month: u64) -> u64 {
    let since_march = month.saturating_sub(2);
    let (year, month) = (since_march / 12, since_march % 12);
    let (era, of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5;
    let day = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    era.saturating_mul(146_097).saturating_add(day).saturating_sub(719_468)
}

const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_where_the_calendar_says() {
        // Days since 1970 of the first of a month, and its year and month.
        for (day, year, month) in [
            (0, 1970, 1),
            (31, 1970, 2),
            (59, 1970, 3),
            (365, 1971, 1),
            (761, 1972, 2),
            (790, 1972, 3),
            (10_957, 2000, 1),
            (11_017, 2000, 3),
            (20_454, 2026, 1),
            (20_758, 2026, 11),
            (47_513, 2100, 2),
            (47_541, 2100, 3),
        ] {
            let expected = year * 12 + month - 1;
            assert_eq!(month_of(day), expected, "{year}-{month}");
            assert_eq!(first_day_of(expected), day, "{year}-{month}");
            if day > 0 {
                assert_eq!(month_of(day - 1), expected - 1, "the day before {year}-{month}");
            }
        }
    }

    #[test]
    fn every_day_of_a_thousand_years_lies_in_its_month() {
        for day in 0..365_243 {
            let month = month_of(day);
            assert!((first_day_of(month)..first_day_of(month + 1)).contains(&day), "{day}");
        }
    }
}
