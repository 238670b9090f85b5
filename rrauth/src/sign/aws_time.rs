//! Times as AWS writes them.

use std::time::Duration;

/// A time since the Unix epoch, to the second, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Days since the epoch.
    pub(crate) day: u64,
    seconds: u64,
}

impl Stamp {
    pub(crate) const EPOCH: Self = Self { day: 0, seconds: 0 };

    pub(crate) const fn of(wall: Duration) -> Self {
        let seconds = wall.as_secs();
        Self { day: seconds / DAY, seconds: seconds % DAY }
    }

    /// `20150830`.
    pub(crate) fn date(self) -> String {
        let (year, month, day) = civil(self.day);
        format!("{year:04}{month:02}{day:02}")
    }

    /// `20150830T123600Z`, of the same day's `date`.
    pub(crate) fn time(self, date: &str) -> String {
        let (hour, minute, second) =
            (self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60);
        format!("{date}T{hour:02}{minute:02}{second:02}Z")
    }
}

// Counts from 1 March of year 0, so that a leap day ends its year, and in eras of 400 years, which
// all have the same number of days.
const fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + DAYS_BEFORE_EPOCH;
    let (era, of_era) = (day / ERA, day % ERA);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + (month <= 2) as u64, month, of_month)
}

const DAY: u64 = 86_400;
const ERA: u64 = 146_097;
const DAYS_BEFORE_EPOCH: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    // From `date -u -d @SECONDS`.
    #[test]
    fn stamps_are_those_of_the_calendar() {
        check(0, "19700101T000000Z");
        check(951_782_399, "20000228T235959Z");
        check(951_782_400, "20000229T000000Z");
        check(951_868_800, "20000301T000000Z");
        check(1_369_353_600, "20130524T000000Z");
        check(1_440_938_160, "20150830T123600Z");
        check(1_709_164_800, "20240229T000000Z");
        check(1_735_689_599, "20241231T235959Z");
        check(4_107_542_400, "21000301T000000Z");
        check(4_107_542_399, "21000228T235959Z");
    }

    #[track_caller]
    fn check(seconds: u64, expected: &str) {
        let stamp = Stamp::of(Duration::from_secs(seconds));
        assert_eq!(stamp.time(&stamp.date()), expected);
    }
}
