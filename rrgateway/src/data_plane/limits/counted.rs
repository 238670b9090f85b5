//! One meter of a proxy, as the layers that serve ask it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use rratelimit::{Estimate, Extraction, Key, Meter as ValueMeter, Policy, Quota};
use rrcore::{BufferedBody, Clock, Context};
use rrrules::{CanonicalPath, Subject};

use crate::data_plane::limits::counts::Counts;
use crate::data_plane::limits::key::KeyMaker;
use crate::data_plane::limits::names::Names;
use crate::model::{Estimate as Taken, Measure, Meter, Place, Proxy};

/// A meter, and what it needs to count. Cheap to clone.
#[derive(Clone)]
pub struct Counted {
    inner: Arc<Inner>,
}

struct Inner {
    meter: Arc<Meter>,
    maker: KeyMaker,
    only: Option<Key>,
    names: Arc<Names>,
    /// As the meter has it, with what the gateway adds.
    policy: Policy,
    counts: Counts,
    clock: Clock,
}

impl Counted {
    pub fn new(
        proxy: &Proxy,
        meter: &Arc<Meter>,
        policy: Policy,
        names: Arc<Names>,
        counts: &Counts,
        clock: &Clock,
    ) -> Self {
        let maker = KeyMaker::new(proxy, meter, counts.are_shared());
        let only = maker.only();
        let (meter, counts, clock) = (Arc::clone(meter), counts.clone(), clock.clone());
        let inner = Inner { meter, maker, only, names, policy, counts, clock };
        Self { inner: Arc::new(inner) }
    }

    pub fn meter(&self) -> &Meter {
        &self.inner.meter
    }

    /// What it holds requests to.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// The keys that are known, and what they are called.
    pub fn keys(&self) -> Vec<(Key, Arc<str>)> {
        self.inner.names.all()
    }

    /// Whether the body of requests must be read to tell whether, and how much, it counts.
    pub fn looks_at_body(&self) -> bool {
        let measure = &self.meter().measure;
        let estimates =
            matches!(measure, Measure::Value { estimate: Some(Taken::Told(Place::Body(_))), .. });
        estimates || self.meter().applies.looks_at_body()
    }

    /// What admits requests by it.
    pub fn quota(&self) -> Quota {
        match self.value() {
            Some(value) => value.quota(),
            None => Quota::new(self.policy().clone()).when(self.applies()).key(self.key()),
        }
    }

    /// What reads the number that it adds up; `None` where it counts requests.
    pub fn value(&self) -> Option<ValueMeter> {
        let Measure::Value { place, estimate, on_missing } = &self.meter().measure else {
            return None;
        };
        let extraction = match place {
            Place::Body(path) => Extraction::json(path.clone()),
            Place::Header(name) => Extraction::header(name.clone()),
        };
        let policy = self.policy().clone();
        let label = Arc::clone(policy.get_label());
        let value = ValueMeter::new(label, extraction, policy).key(self.key());
        let value = value.when(self.applies());
        let value = value.on_missing(*on_missing);
        Some(match estimate {
            None => value,
            Some(Taken::Fixed(number)) => value.estimate(Estimate::fixed(*number)),
            Some(Taken::Told(Place::Header(name))) => {
                value.estimate(Estimate::header(name.clone(), *on_missing))
            }
            Some(Taken::Told(Place::Body(path))) => {
                value.estimate(Estimate::json(path, *on_missing))
            }
        })
    }

    fn applies(&self) -> impl Fn(&Parts) -> bool + Send + Sync + 'static {
        let this = self.clone();
        move |head| this.is_about(head)
    }

    fn key(&self) -> impl Fn(&Parts) -> Key + Send + Sync + 'static {
        let this = self.clone();
        move |head| this.key_of(head)
    }

    fn is_about(&self, head: &Parts) -> bool {
        let applies = &self.meter().applies;
        // A path that has no single reading gets no further than the router.
        let Some(path) = head.extensions.get::<CanonicalPath>() else { return true };
        let body = head.extensions.get::<BufferedBody>().map(|it| it.data().clone());
        // One that was too large to be read is none that can be inspected, and so is this.
        let unread = if applies.looks_at_body() && !is_empty(head) { UNREAD } else { b"" };
        let subject = Subject {
            method: &head.method,
            path,
            query: head.uri.query(),
            headers: &head.headers,
            body: &body.unwrap_or(Bytes::from_static(unread)),
        };
        applies.to(&subject)
    }

    fn key_of(&self, head: &Parts) -> Key {
        let Inner { maker, only, names, policy, counts, clock, .. } = &*self.inner;
        let key = only.unwrap_or_else(|| maker.key(head));
        let now = || head.extensions.get::<Context>().map_or_else(|| clock.now(), Context::now);
        let is_known = |key| counts.usage(policy, key, now()).iter().any(|it| it.spent > 0);
        names.note(key, now().wall.as_secs(), || maker.name(head), is_known);
        key
    }
}

// Only what says so by having no framing at all.
fn is_empty(head: &Parts) -> bool {
    use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
    let length = head.headers.get(CONTENT_LENGTH);
    length.is_none_or(|it| it.as_bytes() == b"0") && !head.headers.contains_key(TRANSFER_ENCODING)
}

/// No JSON.
const UNREAD: &[u8] = b"{";

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("meter", &self.meter().id).finish_non_exhaustive()
    }
}
