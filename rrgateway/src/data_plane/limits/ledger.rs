//! Says what was spent of limits, by the counters that decide.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use rratelimit::{Key, Policy, Window};
use rrcore::Clock;

use crate::data_plane::limits::counts::Counts;
use crate::data_plane::limits::notices::Notices;
use crate::data_plane::router::Live;
use crate::model::{Notice, Spent, Usage};

/// Answers by the routes of the revision that is current. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    live: Live,
    counts: Counts,
    notices: Notices,
    clock: Clock,
}

impl Ledger {
    /// Of what `live` serves, `counts` has, and `notices` has said.
    #[must_use]
    pub const fn new(live: Live, counts: Counts, notices: Notices, clock: Clock) -> Self {
        Self { live, counts, notices, clock }
    }

    fn spent(&self, policy: &Policy, key: Key, name: &Arc<str>, is_limited: bool) -> Vec<Spent> {
        let usage = self.counts.usage(policy, key, self.clock.now());
        let spent = policy.limits().iter().zip(&usage).map(|(limit, it)| Spent {
            window: word(limit.window()),
            key: Arc::clone(name),
            spent: it.spent,
            max: is_limited.then_some(limit.max()),
            resets_at_ms: it.resets_at.and_then(|it| i64::try_from(it.as_millis()).ok()),
        });
        spent.collect()
    }
}

impl Usage for Ledger {
    fn usage(&self, proxy: &str, meter: Option<&str>) -> Vec<Spent> {
        let routes = self.live.current();
        let Some(route) = routes.as_ref().and_then(|it| it.table.get(proxy)) else {
            return Vec::new();
        };
        let measures = &route.stages().layers.measures;
        let Some(meter) = meter else {
            return self.spent(&measures.policy, measures.key, &route.proxy.id, true);
        };
        let Some(counted) = measures.meters.iter().find(|it| *it.meter().id == *meter) else {
            return Vec::new();
        };
        let of_key = |(key, name): &(Key, Arc<str>)| {
            self.spent(counted.policy(), *key, name, counted.meter().is_limited)
        };
        let mut keys: Vec<_> = counted.keys().iter().map(of_key).collect();
        keys.retain(|it| it.iter().any(|it| it.spent > 0));
        keys.sort_by_key(|it| Reverse(it.iter().map(|it| it.spent).max()));
        keys.into_iter().take(MOST).flatten().collect()
    }

    fn notices(&self, before: Option<u64>, most: usize) -> Vec<Notice> {
        self.notices.newest(before, most)
    }
}

const fn word(window: Window) -> &'static str {
    match window {
        Window::Sliding(length)
        | Window::Fixed(length)
        | Window::TokenBucket { per: length, .. } => {
            if length.as_secs() <= MINUTE.as_secs() {
                "minute"
            } else {
                "hour"
            }
        }
        Window::CalendarDay => "day",
        Window::CalendarMonth => "month",
        Window::Concurrency => "concurrency",
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// Keys of a meter that are listed.
const MOST: usize = 100;
