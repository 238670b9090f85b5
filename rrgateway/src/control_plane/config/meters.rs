//! Makes what a data plane measures out of the meters of a proxy.

use std::sync::Arc;

use http::HeaderName;

use crate::control_plane::config::resource::{self, Collection, Key, Kind, Resource};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::meter::{
    Algorithm as Moves, Estimate as Taken, Meter as Spec, Mode, OnStoreFailure as Without,
    Place as At, Type, Window,
};
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::predicate;
use crate::model::{
    Algorithm, Digest, Estimate, Measure, Meter, MeterLimit, MeterWindow, OnStoreFailure, Place,
};

/// The meters that hang on `proxy` and are switched on, in the order of creation.
pub(crate) fn of(
    config: &Config,
    proxy: &Key,
    patterns: &Patterns,
) -> Result<Vec<Arc<Meter>>, Unservable> {
    let collection = Collection::under(Kind::Meter, proxy);
    let resources = config.list(&collection, 0);
    let meters = resources.filter_map(|it| Some((it, it.spec.as_meter().filter(|it| it.active)?)));
    let compiled = meters.map(|(resource, spec)| {
        let meter = compiled(resource, spec, patterns);
        meter.map(Arc::new).map_err(|flaw| Unservable { key: resource.key.clone(), flaw })
    });
    compiled.collect()
}

/// Of the meters that hang on `proxy`. One that is made again is another.
pub(crate) fn digest(config: &Config, proxy: &Key) -> Digest {
    let collection = Collection::under(Kind::Meter, proxy);
    let made_in = config.list(&collection, 0).flat_map(|it| it.created_in.to_be_bytes());
    resource::digest([config.content(&collection).0.as_slice(), &made_in.collect::<Vec<_>>()])
}

fn compiled(resource: &Resource, spec: &Spec, patterns: &Patterns) -> Result<Meter, Flaw> {
    let limits = spec.limits.iter().map(|it| MeterLimit { window: window(it.window), max: it.max });
    Ok(Meter {
        id: Arc::clone(&resource.key.id),
        since: resource.created_in,
        name: spec.name.as_str().into(),
        measure: measure(spec)?,
        per: spec.per.compiled()?,
        limits: limits.collect(),
        algorithm: match spec.algorithm {
            Moves::SlidingWindow => Algorithm::SlidingWindow,
            Moves::FixedWindow => Algorithm::FixedWindow,
            Moves::TokenBucket => Algorithm::TokenBucket { burst: spec.burst },
        },
        applies: predicate::applies(&spec.predicates, patterns)?,
        on_store_failure: spec.on_store_failure.map(|it| match it {
            Without::LeaseThenShare => OnStoreFailure::LeaseThenShare,
            Without::Allow => OnStoreFailure::Allow,
            Without::Deny => OnStoreFailure::Deny,
        }),
        enforces: match spec.mode {
            Mode::Enforce => true,
            Mode::Observe => false,
        },
    })
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

const fn window(it: Window) -> MeterWindow {
    match it {
        Window::Minute => MeterWindow::Minute,
        Window::Hour => MeterWindow::Hour,
        Window::Day => MeterWindow::Day,
        Window::Month => MeterWindow::Month,
    }
}
