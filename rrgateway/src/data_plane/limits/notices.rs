//! Says when a limit passes 80 % and 100 %, when a shared store is gone, and when there is no room for
//! more keys: in the log, and to who asks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "redis")]
use rratelimit::{BreakerState, StoreState};
use rratelimit::{Crossing, Threshold};
use rrcore::Clock;

use crate::model::{Noted, Notice};

/// The newest of what was said. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    said: Arc<Mutex<Said>>,
}

#[derive(Debug, Default)]
struct Said {
    last: u64,
    nearly_spent: u64,
    spent: u64,
    notices: VecDeque<Notice>,
}

impl Notices {
    /// Says it. Nobody is named: a key may be what a caller has sent.
    pub fn note(&self, crossing: &Crossing<'_>, clock: &Clock) {
        let label = &**crossing.policy.get_label();
        let (proxy, meter) = match label.split_once('/') {
            Some((proxy, meter)) => (proxy, Some(meter)),
            None => (label, None),
        };
        let limit = &**crossing.limit.name();
        let is_observed = crossing.policy.is_observed();
        let percent = self.count(crossing.threshold);
        tracing::warn!(proxy, meter, limit, percent, is_observed, "a limit is used up so far");
        // Failed attempts are of no proxy.
        if proxy.is_empty() {
            return;
        }
        let (proxy, meter) = (proxy.into(), meter.map(Arc::from));
        let limit = Arc::clone(crossing.limit.name());
        self.keep(Noted::Passed { proxy, meter, limit, percent }, clock);
    }

    // By then, so much is spent.
    fn count(&self, threshold: Threshold) -> u8 {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, percent) = match threshold {
            Threshold::NearlySpent => (&mut said.nearly_spent, 80),
            Threshold::Spent => (&mut said.spent, 100),
        };
        *count += 1;
        percent
    }

    /// How often limits have passed 80 %, and 100 %.
    pub fn passed(&self) -> [u64; 2] {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        [said.nearly_spent, said.spent]
    }

    /// Says that the store answers again, or does so no more.
    #[cfg(feature = "redis")]
    pub fn note_store(&self, state: &StoreState, clock: &Clock) {
        let (gateways, outstanding_leases) = (state.live_nodes, state.outstanding_leases);
        let answers = match state.breaker {
            BreakerState::Closed => true,
            BreakerState::Open | BreakerState::HalfOpen => false,
        };
        let reason = state.trouble.filter(|_| !answers).map(|it| it.to_string());
        if answers {
            tracing::info!(gateways, outstanding_leases, "limits.store answers");
        } else {
            let (failed_calls, foreign_seed) = (state.failed_calls, state.has_foreign_seed);
            let shown = reason.as_deref();
            tracing::warn!(
                reason = shown,
                gateways,
                outstanding_leases,
                failed_calls,
                foreign_seed,
                "{AWAY}"
            );
        }
        self.keep(Noted::Store { answers, gateways, outstanding_leases, reason }, clock);
    }

    /// Says that there is no room for more keys, or that there is again.
    pub fn note_keys(&self, is_full: bool, most: usize, clock: &Clock) {
        if is_full {
            tracing::warn!(limits.maxKeys = most, "{FULL}");
        } else {
            tracing::info!(limits.maxKeys = most, "limits: there is room for every key again");
        }
        self.keep(Noted::Keys { is_full, most }, clock);
    }

    fn keep(&self, what: Noted, clock: &Clock) {
        let at_ms = i64::try_from(clock.now().wall.as_millis()).unwrap_or(i64::MAX);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.last += 1;
        let number = said.last;
        said.notices.push_front(Notice { number, at_ms, what });
        said.notices.truncate(MOST);
    }

    /// Up to `most` of them, newest first, from before number `before` on.
    pub fn newest(&self, before: Option<u64>, most: usize) -> Vec<Notice> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let older = said.notices.iter().filter(|it| before.is_none_or(|before| it.number < before));
        older.take(most).cloned().collect()
    }
}

const MOST: usize = 1_000;
const FULL: &str = "limits: there is no room for more keys, and limits.onCapacity says what becomes \
                    of them: some callers may be refused for what others do. Raise limits.maxKeys";
#[cfg(feature = "redis")]
const AWAY: &str = "limits.store does not answer: limits do what they say for that case";
