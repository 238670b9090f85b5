//! Makes what a data plane measures out of the meters of a proxy.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use rratelimit::{Limit, Policy, StoreFailure, Window};

use crate::control_plane::config::resource::{self, Key, Resource};
use crate::control_plane::config::snapshot::Standing;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::limits::MOST;
use crate::control_plane::wire::meter::{
    Algorithm, Estimate as Taken, Meter as Spec, Mode, OnStoreFailure, Place as At, Type,
    Window as Counted, WindowLimit,
};
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::predicate;
use crate::model::{Digest, Estimate, Measure, Meter, Place};

/// The meters in `standing`, which hang on `proxy`, that are switched on, in the order of creation.
pub(crate) fn of(
    standing: &Standing,
    proxy: &Key,
    patterns: &Patterns,
) -> Result<Vec<Arc<Meter>>, Unservable> {
    let meters =
        standing.iter().filter_map(|it| Some((it, it.spec.as_meter().filter(|it| it.active)?)));
    let compiled = meters.map(|(resource, spec)| {
        let meter = compiled(resource, proxy, spec, patterns);
        meter.map(Arc::new).map_err(|flaw| Unservable { key: resource.key.clone(), flaw })
    });
    compiled.collect()
}

/// Of the meters in `standing`. One that is made again is another.
pub(crate) fn digest(standing: &Standing) -> Digest {
    if standing.is_empty() {
        return standing.digest;
    }
    let made_in = standing.iter().flat_map(|it| it.created_in.to_be_bytes());
    resource::digest([standing.digest.0.as_slice(), &made_in.collect::<Vec<_>>()])
}

fn compiled(
    resource: &Resource,
    proxy: &Key,
    spec: &Spec,
    patterns: &Patterns,
) -> Result<Meter, Flaw> {
    let id = Arc::clone(&resource.key.id);
    let limits = policy(spec)?.label(Meter::label(&proxy.id, &id));
    Ok(Meter {
        id,
        since: resource.created_in,
        name: spec.name.as_str().into(),
        measure: measure(spec)?,
        per: spec.per.compiled()?,
        policy: match spec.mode {
            Mode::Enforce if !spec.limits.is_empty() => limits,
            Mode::Enforce | Mode::Observe => limits.observed(),
        },
        tells_store_failure: spec.on_store_failure.is_some(),
        is_limited: !spec.limits.is_empty(),
        applies: predicate::applies(&spec.predicates, patterns)?,
    })
}

fn policy(spec: &Spec) -> Result<Policy, Flaw> {
    let limits = match &*spec.limits {
        // It counts, but has nothing to hold that against.
        [] => &COUNTED,
        limits => limits,
    };
    let limits = limits.iter().map(|it| {
        let limit =
            Limit::new(format!("{}.{}", spec.name, it.window.word()), it.max, window(spec, *it));
        let generation = spec.generations.get(&it.window).copied().unwrap_or(0);
        // Of which meter it is, the key says: what it is called is for people.
        let limit = limit.counted_as(it.window.word());
        limit.generation(generation).on_store_failure(store_failure(spec.on_store_failure))
    });
    Policy::new(limits).map_err(|it| Flaw::new("/limits", it.to_string()))
}

// Days and months are of the calendar, whatever the algorithm.
fn window(spec: &Spec, limit: WindowLimit) -> Window {
    let length = match limit.window {
        Counted::Minute => Duration::from_secs(60),
        Counted::Hour => Duration::from_secs(3_600),
        Counted::Day => return Window::CalendarDay,
        Counted::Month => return Window::CalendarMonth,
    };
    match spec.algorithm {
        Algorithm::SlidingWindow => Window::Sliding(length),
        Algorithm::FixedWindow => Window::Fixed(length),
        Algorithm::TokenBucket => {
            let burst = spec.burst.unwrap_or(limit.max).max(1);
            Window::TokenBucket { per: length, burst }
        }
    }
}

const fn store_failure(told: Option<OnStoreFailure>) -> StoreFailure {
    match told {
        None | Some(OnStoreFailure::LeaseThenShare) => StoreFailure::LeaseThenShare,
        Some(OnStoreFailure::Allow) => StoreFailure::Allow,
        Some(OnStoreFailure::Deny) => StoreFailure::Deny,
    }
}

fn measure(spec: &Spec) -> Result<Measure, Flaw> {
    let at = match (spec.kind, &spec.extraction) {
        (Type::RequestCount, _) => return Ok(Measure::Requests),
        (Type::ResponseValue, Some(at)) => at,
        (Type::ResponseValue, None) => {
            return Err(Flaw::new("/extraction", "this is required"));
        }
    };
    Ok(Measure::Value {
        place: place(at, "/extraction")?,
        estimate: match &spec.estimate {
            None => None,
            Some(Taken::Fixed(number)) => Some(Estimate::Fixed(*number)),
            Some(Taken::Told(at)) => Some(Estimate::Told(place(at, "/estimate")?)),
        },
        on_missing: spec.on_missing.unwrap_or(0),
    })
}

fn place(at: &At, pointer: &str) -> Result<Place, Flaw> {
    match at {
        At::Body { path } => {
            let path = path.parse().map(Place::Body);
            path.map_err(|it| Flaw::new(format!("{pointer}/path"), format!("{it}")))
        }
        At::Header { name } => {
            let name = HeaderName::from_bytes(name.as_bytes()).map(Place::Header);
            name.map_err(|_| Flaw::new(format!("{pointer}/name"), "not a header name"))
        }
    }
}

const COUNTED: [WindowLimit; 2] = [
    WindowLimit { window: Counted::Day, max: *MOST.end() },
    WindowLimit { window: Counted::Month, max: *MOST.end() },
];
