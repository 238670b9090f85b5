//! Makes what a data plane holds requests to out of the limits of a proxy.

use std::sync::Arc;
use std::time::Duration;

use rratelimit::{Limit, Policy, Window};

use crate::control_plane::config::resource::Key;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::limits::Limits as Spec;
use crate::model::Limits;

/// The limits of `proxy`, which was made in revision `since`.
pub(crate) fn of(proxy: &Key, spec: Spec, since: u64) -> Result<Limits, Unservable> {
    let Spec { count_refused, legacy_headers, generations, .. } = spec;
    let names = [
        ("requestsPerMinute", Window::Sliding(MINUTE)),
        ("requestsPerDay", Window::CalendarDay),
        ("concurrency", Window::Concurrency),
    ];
    let limits = names.into_iter().zip(spec.each()).zip(generations);
    let limits = limits.filter_map(|(((name, window), max), generation)| {
        Some(Limit::new(name, max?, window).generation(generation))
    });
    let policy =
        Policy::new(limits).map_err(|it| Unservable::new(proxy, "/limits", it.to_string()))?;
    let policy = Arc::new(policy.label(Arc::clone(&proxy.id)));
    Ok(Limits { policy, count_refused, legacy_headers, since })
}

const MINUTE: Duration = Duration::from_secs(60);
