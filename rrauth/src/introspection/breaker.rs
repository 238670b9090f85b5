//! Leaves a server alone that does not answer.

use std::time::Duration;

/// After three failures in a row, one question at a time, ever more rarely, until one is answered.
///
/// Three: a stranger who knows a token that makes the server stall must not be able to have everybody
/// else refused by showing it once. Times are monotonic.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    closed_until: Duration,
    last_error: Option<String>,
}

impl Breaker {
    /// Whether another question may be asked now, which takes up to `timeout`.
    ///
    /// # Errors
    /// Why the last one failed.
    pub(super) fn admit(&mut self, now: Duration, timeout: Duration) -> Result<(), String> {
        if self.failures < TOLERATED {
            return Ok(());
        }
        if now < self.closed_until {
            return Err(self.last_error.clone().unwrap_or_default());
        }
        // This one tries for all.
        self.closed_until = now.saturating_add(timeout);
        Ok(())
    }

    /// The server answered, whatever it said.
    pub(super) fn answered(&mut self) {
        (self.failures, self.closed_until) = (0, Duration::ZERO);
    }

    /// It did not, at `now`.
    pub(super) fn failed(&mut self, now: Duration, error: String) {
        self.failures = self.failures.saturating_add(1);
        self.last_error = Some(error);
        if let Some(more) = self.failures.checked_sub(TOLERATED) {
            let pause = Duration::from_secs(1 << more.min(8)).min(LONGEST_PAUSE);
            self.closed_until = now.saturating_add(pause);
        }
    }

    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

const TOLERATED: u32 = 3;
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_server_is_asked_ever_more_rarely_by_one_at_a_time() {
        let mut breaker = Breaker::default();
        let mut asked = Vec::new();
        for tenth in 0..600 {
            let now = Duration::from_millis(tenth * 100);
            for _ in 0..10 {
                if breaker.admit(now, Duration::from_secs(3)).is_ok() {
                    asked.push(tenth / 10);
                    breaker.failed(now, "down".to_owned());
                }
            }
        }
        assert_eq!(asked, [0, 0, 0, 1, 3, 7, 15, 25, 35, 45, 55]);
    }

    #[test]
    fn while_one_tries_the_others_wait_and_an_answer_lets_all_in() {
        let mut breaker = Breaker::default();
        let second = Duration::from_secs(1);
        (0..3).for_each(|_| breaker.failed(Duration::ZERO, "down".to_owned()));
        assert_eq!(breaker.admit(second, second * 3), Ok(()));
        assert_eq!(breaker.admit(second * 3, second * 3), Err("down".to_owned()));
        breaker.answered();
        assert_eq!(breaker.admit(second * 3, second * 3), Ok(()));
        assert_eq!(breaker.admit(second * 3, second * 3), Ok(()));
        assert_eq!((breaker.failures(), breaker.last_error()), (0, Some("down")));
    }
}
