//! How counting itself does, for who watches the gateway.

use std::fmt;
use std::sync::Arc;

use rratelimit::Limiter;
#[cfg(feature = "redis")]
use rratelimit::{BreakerState, StoreState, StoreTrouble};

use crate::data_plane::limits::counts::Counts;
use crate::data_plane::limits::notices::Notices;
use crate::telemetry::{Measured, Sheet};

/// What counts, seen from outside.
#[derive(Debug)]
pub struct Standing {
    pub counts: Counts,
    pub limiter: Arc<Limiter>,
    pub notices: Notices,
    pub max_keys: usize,
}

impl Measured for Standing {
    fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let [nearly_spent, spent] = self.notices.passed();
        let passed = [([("percent", "80")], nearly_spent), ([("percent", "100")], spent)];
        sheet.counters("rrgateway_limits_passed", PASSED, passed)?;
        sheet.gauge("rrgateway_limits_max_keys", MAX_KEYS, self.max_keys as u64)?;
        let crowded_out = self.limiter.crowded_out();
        sheet.counter("rrgateway_limits_crowded_out", CROWDED_OUT, crowded_out)?;
        match &self.counts {
            Counts::Local(_) => Ok(()),
            #[cfg(feature = "redis")]
            Counts::Shared(store) => of_store(&store.state(), sheet),
        }
    }
}

#[cfg(feature = "redis")]
fn of_store(state: &StoreState, sheet: &mut Sheet<'_>) -> fmt::Result {
    let is_up = state.breaker == BreakerState::Closed;
    sheet.gauge("rrgateway_limits_store_up", UP, is_up.into())?;
    let troubles = StoreTrouble::ALL.iter().map(|it| {
        let is_it = !is_up && state.trouble == Some(*it);
        ([("reason", it.as_str())], is_it.into())
    });
    sheet.gauges("rrgateway_limits_store_trouble", TROUBLE, troubles)?;
    sheet.gauge("rrgateway_limits_store_gateways", GATEWAYS, state.live_nodes)?;
    let leased = state.outstanding_leases;
    sheet.gauge("rrgateway_limits_outstanding_leases", LEASED, leased)?;
    let most = state.most_outstanding_leases;
    sheet.gauge("rrgateway_limits_outstanding_leases_most", MOST_LEASED, most)?;
    sheet.counter("rrgateway_limits_store_failed_calls", FAILED, state.failed_calls)?;
    sheet.counter("rrgateway_limits_store_outages", OPENED, state.opened)?;
    let decisions = [
        ([("decision", "share")], state.shares),
        ([("decision", "allow")], state.fail_opens),
        ([("decision", "deny")], state.denials),
    ];
    sheet.counters("rrgateway_limits_degraded_decisions", DEGRADED, decisions)?;
    sheet.counter("rrgateway_limits_store_lost_updates", LOST, state.lost_updates)
}

const PASSED: &str = "How often a limit has passed 80 and 100 percent under some key.";
const MAX_KEYS: &str = "Keys for which there is room (limits.maxKeys).";
const CROWDED_OUT: &str = "Decisions about keys for which there was no room.";
#[cfg(feature = "redis")]
const UP: &str = "1 while the store that gateways share answers, 0 while limits do without.";
#[cfg(feature = "redis")]
const TROUBLE: &str = "1 for what stands between this gateway and the store.";
#[cfg(feature = "redis")]
const GATEWAYS: &str = "Gateways that share the store, this one included, as last known.";
#[cfg(feature = "redis")]
const LEASED: &str = "Units that this gateway has leased and not spent.";
#[cfg(feature = "redis")]
const MOST_LEASED: &str = "The most that was leased and not spent at once.";
#[cfg(feature = "redis")]
const FAILED: &str = "Calls that the store did not answer, in time or at all.";
#[cfg(feature = "redis")]
const OPENED: &str = "How often the store was given up, and limits did without.";
#[cfg(feature = "redis")]
const DEGRADED: &str = "Decisions without the store, by what the limit says for that case.";
#[cfg(feature = "redis")]
const LOST: &str = "What was to be counted, and the store was not told: there was too much of it.";
