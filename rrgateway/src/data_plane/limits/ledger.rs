//! Says what was spent of limits, by the counters that decide.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use rratelimit::{Key, Policy, Window};
use rrcore::Clock;

use crate::data_plane::limits::counted::Counted;
use crate::data_plane::limits::counts::{Counts, Tally};
use crate::data_plane::limits::notices::Notices;
use crate::data_plane::router::Live;
use crate::model::{Notice, Source, Spent, Usage};

/// A key, and what it is called.
type Named = (Key, Arc<str>);

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

    /// What each key has spent: on all gateways, as far as the store says so, and then on this one.
    fn spent(&self, policy: &Policy, keys: &[Named], is_limited: bool) -> Vec<Vec<Spent>> {
        let now = self.clock.now();
        let asked: Vec<_> = keys.iter().map(|(key, _)| (policy, *key)).collect();
        let (usage, source) = match self.counts.usage_of_all(&asked, now) {
            Some(usage) => (usage, Source::Store),
            None => {
                let own = |(key, _): &Named| self.counts.usage(policy, *key, now);
                (keys.iter().map(own).collect(), Source::Local)
            }
        };
        let of_key = |((_, name), tallies): (&Named, &Vec<Tally>)| {
            let spent = policy.limits().iter().zip(tallies).map(|(limit, it)| Spent {
                window: word(limit.window()),
                key: Arc::clone(name),
                spent: it.spent,
                max: is_limited.then_some(limit.max()),
                resets_at_ms: it.resets_at.and_then(|it| i64::try_from(it.as_millis()).ok()),
                source,
            });
            spent.collect()
        };
        keys.iter().zip(&usage).map(of_key).collect()
    }

    /// Those keys of a meter that have spent most here: the store is asked about no more.
    fn foremost(&self, counted: &Counted) -> Vec<Named> {
        let now = self.clock.now();
        let most =
            |key| self.counts.usage(counted.policy(), key, now).iter().map(|it| it.spent).max();
        let mut keys = counted.keys();
        keys.sort_by_cached_key(|(key, _)| Reverse(most(*key)));
        keys.truncate(MOST);
        keys
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
            let key = (measures.key, Arc::clone(&route.proxy.id));
            return self.spent(&measures.policy, &[key], true).concat();
        };
        let Some(counted) = measures.meters.iter().find(|it| *it.meter().id == *meter) else {
            return Vec::new();
        };
        let is_limited = counted.meter().is_limited;
        let mut keys = self.spent(counted.policy(), &self.foremost(counted), is_limited);
        keys.retain(|it| it.iter().any(|it| it.spent > 0));
        keys.sort_by_key(|it| Reverse(it.iter().map(|it| it.spent).max()));
        keys.concat()
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
