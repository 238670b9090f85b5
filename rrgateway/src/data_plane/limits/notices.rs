//! Says when a limit passes 80 % and 100 %: in the log, and to who asks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rratelimit::{Crossing, Threshold};
use rrcore::Clock;

use crate::model::Notice;

/// The newest of what was said. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    said: Arc<Mutex<Said>>,
}

#[derive(Debug, Default)]
struct Said {
    last: u64,
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
        let percent = match crossing.threshold {
            Threshold::NearlySpent => 80,
            Threshold::Spent => 100,
        };
        tracing::warn!(proxy, meter, limit, percent, is_observed, "a limit is used up so far");
        // Failed attempts are of no proxy.
        if proxy.is_empty() {
            return;
        }
        let at_ms = i64::try_from(clock.now().wall.as_millis()).unwrap_or(i64::MAX);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.last += 1;
        let (number, meter) = (said.last, meter.map(Arc::from));
        let limit = Arc::clone(crossing.limit.name());
        said.notices.push_front(Notice {
            number,
            at_ms,
            proxy: proxy.into(),
            meter,
            limit,
            percent,
        });
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
