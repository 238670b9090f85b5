//! Says when a limit passes 80 % and 100 %.

use rratelimit::{Crossing, Threshold};

/// Logs it. Nobody is named: a key may be what a caller has sent.
pub fn noticed(crossing: &Crossing<'_>) {
    let label = &**crossing.policy.get_label();
    let (proxy, meter) = label.split_once('/').unwrap_or((label, ""));
    let limit = &**crossing.limit.name();
    let is_observed = crossing.policy.is_observed();
    match crossing.threshold {
        Threshold::NearlySpent => {
            tracing::warn!(proxy, meter, limit, is_observed, "a limit has passed 80 %");
        }
        Threshold::Spent => {
            tracing::warn!(proxy, meter, limit, is_observed, "a limit is spent");
        }
    }
}
