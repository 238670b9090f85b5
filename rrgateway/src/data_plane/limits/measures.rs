//! What a proxy is held to, made once when its stack is built.

use std::sync::Arc;

use rratelimit::{Key, MeterLayer, Policy, Quota, RateLimitLayer, StoreFailure};
use rrcore::{Budget, Clock};

use crate::data_plane::limits::counted::Counted;
use crate::data_plane::limits::counts::Counts;
use crate::data_plane::limits::read_ahead::ReadAheadLayer;
use crate::data_plane::limits::rolls::Rolls;
use crate::model::{Limits, Meter, Proxy};

/// The limits and meters of one proxy.
#[derive(Debug)]
pub struct Measures {
    /// Of the limits, as the gateway holds requests to them.
    pub policy: Policy,
    limits: Limits,
    /// Under which the limits count.
    pub key: Key,
    pub meters: Vec<Counted>,
    counts: Counts,
    clock: Clock,
}

/// How is counted, whatever is served: it outlives a revision.
#[derive(Clone, Debug)]
pub struct Counting {
    /// What was spent.
    pub counts: Counts,
    /// What the keys of meters are called.
    pub rolls: Rolls,
    /// What holds when a shared store does not answer, where a meter does not say.
    pub on_store_failure: StoreFailure,
}

impl Measures {
    /// Those of `proxy`, which count as `counting` says.
    pub fn of(proxy: &Proxy, counting: &Counting, clock: &Clock) -> Self {
        let Counting { counts, rolls, on_store_failure } = counting;
        let since = if counts.are_shared() { 0 } else { proxy.limits.since };
        let since = since.to_string();
        let counted = |meter: &Arc<Meter>| {
            let names = rolls.of(Arc::clone(meter.policy.get_label()), meter.since);
            let policy = match meter.tells_store_failure {
                true => meter.policy.clone(),
                false => on_failure(&meter.policy, *on_store_failure),
            };
            Counted::new(proxy, meter, policy, names, counts, clock)
        };
        Self {
            policy: on_failure(&proxy.limits.policy, *on_store_failure),
            limits: proxy.limits.clone(),
            key: Key::of(&["proxy", &proxy.client, &proxy.id, &since]),
            meters: proxy.meters.iter().map(counted).collect(),
            counts: counts.clone(),
            clock: clock.clone(),
        }
    }

    /// What lets requests in: all limits and meters have room, or none is charged.
    pub fn admission(&self) -> RateLimitLayer<Counts> {
        let Limits { count_refused, legacy_headers, .. } = &self.limits;
        let key = self.key;
        let own = Quota::new(self.policy.clone()).key(move |_| key);
        let layer = RateLimitLayer::with(own, self.counts.clone())
            .counts_refused(*count_refused)
            .legacy_headers(*legacy_headers)
            .clock(self.clock.clone());
        self.meters.iter().fold(layer, |layer, meter| layer.quota(meter.quota()))
    }

    /// What reads the numbers that the upstream answers.
    pub fn meters(&self) -> MeterLayer {
        let values = self.meters.iter().filter_map(Counted::value);
        MeterLayer::new(values, self.counts.clone()).admitted_only().clock(self.clock.clone())
    }

    /// What reads the bodies of requests that a meter asks for.
    pub fn read_ahead(&self, bodies: &Budget) -> ReadAheadLayer {
        let reads = self.meters.iter().any(Counted::looks_at_body);
        ReadAheadLayer::new(reads.then(|| bodies.clone()), self.clock.clone())
    }
}

fn on_failure(policy: &Policy, then: StoreFailure) -> Policy {
    policy.clone().on_store_failure(then)
}
