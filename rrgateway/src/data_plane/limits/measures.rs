//! What a proxy is held to, made once when its stack is built.

use std::sync::Arc;

use rratelimit::{Key, Limiter, MeterLayer, Quota, RateLimitLayer};
use rrcore::{Budget, Clock};

use crate::data_plane::limits::counted::Counted;
use crate::data_plane::limits::read_ahead::ReadAheadLayer;
use crate::data_plane::limits::reserve::ReserveLayer;
use crate::data_plane::limits::rolls::Rolls;
use crate::model::{Limits, Meter, Proxy};

/// The limits and meters of one proxy.
#[derive(Debug)]
pub struct Measures {
    pub limits: Limits,
    /// Under which the limits count.
    pub key: Key,
    pub meters: Vec<Counted>,
    limiter: Arc<Limiter>,
    clock: Clock,
}

impl Measures {
    /// Those of `proxy`, which count with `limiter`.
    pub fn of(proxy: &Proxy, limiter: &Arc<Limiter>, rolls: &Rolls, clock: &Clock) -> Self {
        let since = proxy.limits.since.to_string();
        let counted = |meter: &Arc<Meter>| {
            let names = rolls.of(Arc::clone(meter.policy.get_label()), meter.since);
            Counted::new(proxy, meter, names, limiter, clock)
        };
        Self {
            limits: proxy.limits.clone(),
            key: Key::of(&["proxy", &proxy.client, &proxy.id, &since]),
            meters: proxy.meters.iter().map(counted).collect(),
            limiter: Arc::clone(limiter),
            clock: clock.clone(),
        }
    }

    /// What lets requests in: all limits and meters have room, or none is charged.
    pub fn admission(&self) -> RateLimitLayer {
        let Limits { policy, count_refused, legacy_headers, .. } = &self.limits;
        let key = self.key;
        let own = Quota::new(Arc::clone(policy)).key(move |_| key);
        let layer = RateLimitLayer::with(Arc::clone(&self.limiter))
            .quota(own)
            .counts_refused(*count_refused)
            .legacy_headers(*legacy_headers)
            .clock(self.clock.clone());
        self.meters.iter().fold(layer, |layer, meter| layer.quota(meter.quota()))
    }

    /// What lets go of what was taken for a number that will never come.
    pub fn reserve(&self) -> ReserveLayer {
        let values = self.meters.iter().filter(|it| it.value().is_some());
        ReserveLayer::new(values.map(|it| Arc::clone(it.meter().policy.get_label())))
    }

    /// What reads the numbers that the upstream answers.
    pub fn meters(&self) -> MeterLayer {
        let values = self.meters.iter().filter_map(Counted::value);
        MeterLayer::new(values, Arc::clone(&self.limiter)).admitted_only().clock(self.clock.clone())
    }

    /// What reads the bodies of requests that a meter asks for.
    pub fn read_ahead(&self, bodies: &Budget) -> ReadAheadLayer {
        let reads = self.meters.iter().any(Counted::looks_at_body);
        ReadAheadLayer::new(reads.then(|| bodies.clone()), self.clock.clone())
    }
}
