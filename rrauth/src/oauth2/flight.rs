//! One request for a token at a time, and none while the endpoint fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::oauth2::schedule;
use crate::outbound::token::{Token, TokenUnavailable};

/// What came of asking for a token.
pub(crate) type Outcome = Result<Arc<Token>, TokenUnavailable>;

/// Where what came of it can be read, once it has.
pub(crate) type Landing = watch::Receiver<Option<Outcome>>;

/// What is known of requests for tokens: the one under way, and how the last ones went.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    under_way: Option<Landing>,
    failures: u32,
    retry_at: Duration,
    last_failure: Option<TokenUnavailable>,
    forced_until: Duration,
}

/// What to do for somebody who wants a token.
#[derive(Debug)]
pub(crate) enum Step {
    /// Ask for one, and tell the others.
    Start(watch::Sender<Option<Outcome>>, Landing),
    /// Wait for the one that was asked for.
    Join(Landing),
    /// Do not wait: there is none.
    Fail(TokenUnavailable),
}

impl Flight {
    /// For somebody who has no token that can be sent, or wants one for later.
    pub(crate) fn step(&mut self, now: Duration) -> Step {
        if let Some(landing) = &self.under_way {
            return Step::Join(landing.clone());
        }
        if let Some(failure) = self.failure(now) {
            return Step::Fail(failure.clone());
        }
        let (sender, landing) = watch::channel(None);
        self.under_way = Some(landing.clone());
        Step::Start(sender, landing)
    }

    /// For somebody whose token was refused though it should be valid. An upstream that answers 401
    /// to any token must not turn every request into one for a token.
    pub(crate) fn forced(&mut self, now: Duration) -> Step {
        if self.under_way.is_none() && now < self.forced_until {
            return Step::Fail(TokenUnavailable::new(
                "the last token that was refused is just gone",
            ));
        }
        let step = self.step(now);
        if matches!(step, Step::Start(..)) {
            self.forced_until = now.saturating_add(FORCED_APART);
        }
        step
    }

    /// The last failure, while nobody is to ask again.
    pub(crate) fn failure(&self, now: Duration) -> Option<&TokenUnavailable> {
        self.last_failure.as_ref().filter(|_| now < self.retry_at)
    }

    /// There is a token.
    pub(crate) fn landed(&mut self) {
        let forced_until = self.forced_until;
        *self = Self { forced_until, ..Self::default() };
    }

    /// There is none; says when to ask again.
    pub(crate) fn failed(&mut self, failure: TokenUnavailable, now: Duration) -> Duration {
        self.under_way = None;
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now.saturating_add(schedule::pause(self.failures));
        self.last_failure = Some(failure);
        self.retry_at
    }
}

const FORCED_APART: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_second_joins_and_who_comes_after_a_failure_fails() {
        use Event::{Fail, Force, Land, Step};
        let mut flight = Flight::default();
        for (second, event, expected) in [
            (0, Step, "start"),
            (0, Step, "join"),
            (0, Force, "join"),
            (1, Fail, "retry at 2"),
            (1, Step, "fail"),
            (1, Force, "fail"),
            (2, Step, "start"),
            (2, Fail, "retry at 4"),
            (3, Step, "fail"),
            (4, Step, "start"),
            (4, Land, "landed"),
            // It has forgotten how often it failed.
            (4, Step, "start"),
            (4, Fail, "retry at 5"),
        ] {
            assert_eq!(happens(&mut flight, event, at(second)), expected, "{second} {event:?}");
        }
    }

    #[test]
    fn a_token_is_replaced_by_force_once_in_a_while_only() {
        let mut flight = Flight::default();
        for (now, may) in [(0, true), (29, false), (30, true), (31, false), (60, true)] {
            let step = flight.forced(at(now));
            assert_eq!(matches!(step, Step::Start(..)), may, "{now}");
            flight.landed();
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Step,
        Force,
        Fail,
        Land,
    }

    fn happens(flight: &mut Flight, event: Event, now: Duration) -> String {
        let step = match event {
            Event::Step => flight.step(now),
            Event::Force => flight.forced(now),
            Event::Land => {
                flight.landed();
                return "landed".to_owned();
            }
            Event::Fail => {
                let retry_at = flight.failed(TokenUnavailable::new("no"), now);
                return format!("retry at {}", retry_at.as_secs());
            }
        };
        let step = match step {
            Step::Start(..) => "start",
            Step::Join(_) => "join",
            Step::Fail(_) => "fail",
        };
        step.to_owned()
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
