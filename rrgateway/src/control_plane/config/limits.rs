//! Makes what a data plane holds requests to out of the limits of a proxy.

use std::sync::Arc;
use std::time::Duration;

use rratelimit::{Limit, Policy};

use crate::control_plane::config::resource::Key;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::limits::Limits as Spec;
use crate::model::Limits;

/// The limits of `proxy`, which was made in revision `since`.
pub(crate) fn of(proxy: &Key, spec: Spec, since: u64) -> Result<Limits, Unservable> {
    let Spec { requests_per_minute, requests_per_day, concurrency, count_refused, legacy_headers } =
        spec;
    let limits = [
        requests_per_minute.map(|max| Limit::sliding("requestsPerMinute", max, MINUTE)),
        requests_per_day.map(|max| Limit::calendar_day("requestsPerDay", max)),
        concurrency.map(|max| Limit::concurrency("concurrency", max)),
    ];
    let policy = Policy::new(limits.into_iter().flatten())
        .map_err(|it| Unservable::new(proxy, "/limits", it.to_string()))?;
    let policy = Arc::new(policy.label(Arc::clone(&proxy.id)));
    Ok(Limits { policy, count_refused, legacy_headers, since })
}

const MINUTE: Duration = Duration::from_secs(60);
