//! Says what was spent of limits, by the counters that decide.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use rratelimit::{Key, Limiter, Policy, Window};
use rrcore::Clock;

use crate::data_plane::router::Live;
use crate::model::{Spent, Usage};

/// Answers by the routes of the revision that is current. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    live: Live,
    limiter: Arc<Limiter>,
    clock: Clock,
}

impl Ledger {
    /// Of what `live` serves, and `limiter` counts.
    #[must_use]
    pub const fn new(live: Live, limiter: Arc<Limiter>, clock: Clock) -> Self {
        Self { live, limiter, clock }
    }

    fn spent(&self, policy: &Policy, key: Key, name: &Arc<str>, is_limited: bool) -> Vec<Spent> {
        let usage = self.limiter.usage(policy, key, self.clock.now());
        let spent = usage.iter().map(|it| Spent {
            window: word(it.limit.window()),
            key: Arc::clone(name),
            spent: it.spent,
            max: is_limited.then_some(it.limit.max()),
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
        let measures = &route.layers.measures;
        let Some(meter) = meter else {
            return self.spent(&measures.limits.policy, measures.key, &route.proxy.id, true);
        };
        let Some(counted) = measures.meters.iter().find(|it| *it.meter().id == *meter) else {
            return Vec::new();
        };
        let of_key = |(key, name): &(Key, Arc<str>)| {
            self.spent(&counted.meter().policy, *key, name, counted.meter().is_limited)
        };
        let mut keys: Vec<_> = counted.keys().iter().map(of_key).collect();
        keys.retain(|it| it.iter().any(|it| it.spent > 0));
        keys.sort_by_key(|it| Reverse(it.iter().map(|it| it.spent).max()));
        keys.into_iter().take(MOST).flatten().collect()
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
