//! When to stop asking a store that does not answer.

/// Whether the store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// It answers, and is asked for each decision that needs it.
    Closed,
    /// It does not, or was not asked yet. Nobody waits for it: what each limit says for this case is done.
    Open,
    /// It does not, and is being asked by one probe whether it does again.
    HalfOpen,
}

/// Opens after a few failures with no success between them, at once when the connection is gone;
/// closes when a probe got through. Knows no time: who probes, and how often, is not its business.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: BreakerState,
    failures: u32,
}

/// How a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// In time there was no answer, or none that could be used. The next one may be better.
    Call,
    /// There is nobody who could answer.
    Connection,
}

impl Breaker {
    /// Nobody has been reached yet.
    pub(crate) const fn open() -> Self {
        Self { state: BreakerState::Open, failures: 0 }
    }

    pub(crate) const fn state(&self) -> BreakerState {
        self.state
    }

    pub(crate) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Whether it has opened because of this.
    pub(crate) fn failed(&mut self, failure: Failure) -> bool {
        self.failures = self.failures.saturating_add(1);
        let opens = match failure {
            Failure::Call => self.failures >= MOST_FAILURES,
            Failure::Connection => true,
        };
        if opens && self.state == BreakerState::Closed {
            self.state = BreakerState::Open;
            return true;
        }
        false
    }

    pub(crate) fn probing(&mut self) {
        if self.state == BreakerState::Open {
            self.state = BreakerState::HalfOpen;
        }
    }

    /// Whether it has closed because of this.
    pub(crate) fn probed(&mut self, answers: bool) -> bool {
        if self.state == BreakerState::Closed {
            return false;
        }
        self.state = if answers { BreakerState::Closed } else { BreakerState::Open };
        self.failures = 0;
        answers
    }
}

/// One late answer is chance.
const MOST_FAILURES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use BreakerState::{Closed, HalfOpen, Open};

    #[test]
    fn it_opens_after_three_failures_in_a_row() {
        let mut breaker = closed();
        for (failed, opens, state) in [
            (true, false, Closed),
            (true, false, Closed),
            (false, false, Closed),
            (true, false, Closed),
            (true, false, Closed),
            (true, true, Open),
            (true, false, Open),
        ] {
            let opened = if failed {
                breaker.failed(Failure::Call)
            } else {
                breaker.succeeded();
                false
            };
            assert_eq!((opened, breaker.state()), (opens, state));
        }
    }

    #[test]
    fn a_lost_connection_opens_it_at_once_and_is_told_once() {
        let mut breaker = closed();
        assert!(breaker.failed(Failure::Connection));
        assert!(!breaker.failed(Failure::Connection));
        assert_eq!(breaker.state(), Open);
    }

    #[test]
    fn only_a_probe_that_got_through_closes_it() {
        let mut breaker = Breaker::open();
        breaker.succeeded();
        assert_eq!(breaker.state(), Open);
        breaker.probing();
        assert_eq!(breaker.state(), HalfOpen);
        assert!(!breaker.probed(false));
        assert_eq!(breaker.state(), Open);
        breaker.probing();
        assert!(breaker.probed(true));
        assert_eq!(breaker.state(), Closed);
        assert!(!breaker.probed(true), "it closed before");
    }

    fn closed() -> Breaker {
        let mut breaker = Breaker::open();
        breaker.probed(true);
        breaker
    }
}
