//! What is allowed: named limits, and the rules that make a set of them valid.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use crate::field;
use crate::key::Key;
use crate::time::nanos;
use crate::window::Window;

/// So much in a window, under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    name: Arc<str>,
    // As it is written in header fields.
    quoted: Arc<str>,
    max: u64,
    window: Window,
    store_failure: StoreFailure,
    id: u64,
    // The window, and a sixtieth of it, in nanoseconds.
    length: u64,
    width: u64,
    // More than this is nearly all.
    nearly: u64,
}

/// What holds while the store that all nodes share does not answer. Means nothing to a
/// [`Limiter`](crate::Limiter), which is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreFailure {
    /// What this node has leased, and then its share: the maximum by the number of live nodes.
    LeaseThenShare,
    /// What is leased; then everything passes.
    Allow,
    /// What is leased; then nothing passes: 503 `limit-unavailable`.
    Deny,
}

/// Limits that must all have room for a request to pass. Empty: everything passes.
///
/// Immutable; cheap to clone. What has been spent is not here but in a
/// [`Limiter`](crate::Limiter), and so survives a change of policy.
#[derive(Clone, PartialEq, Eq)]
pub struct Policy {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    label: Arc<str>,
    limits: Box<[Limit]>,
    header: Option<HeaderValue>,
    is_observed: bool,
    is_estimated: bool,
    has_concurrency: bool,
    is_durable: bool,
}

/// Why some limits are not a [`Policy`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPolicy {
    limit: Arc<str>,
    reason: &'static str,
}

impl Limit {
    /// At most `max` in any `window`. 0 lets nothing pass.
    ///
    /// `name` is what callers see in `RateLimit` headers.
    #[must_use]
    pub fn sliding(name: impl Into<Arc<str>>, max: u64, window: Duration) -> Self {
        Self::new(name, max, Window::Sliding(window))
    }

    /// At most `max` from one multiple of `window` in UTC to the next: of a minute, an hour. 0 lets
    /// nothing pass.
    #[must_use]
    pub fn fixed(name: impl Into<Arc<str>>, max: u64, window: Duration) -> Self {
        Self::new(name, max, Window::Fixed(window))
    }

    /// At most `max` in a UTC day. 0 lets nothing pass.
    #[must_use]
    pub fn calendar_day(name: impl Into<Arc<str>>, max: u64) -> Self {
        Self::new(name, max, Window::CalendarDay)
    }

    /// At most `max` in a UTC month. 0 lets nothing pass.
    #[must_use]
    pub fn calendar_month(name: impl Into<Arc<str>>, max: u64) -> Self {
        Self::new(name, max, Window::CalendarMonth)
    }

    /// `max` in each `per`, and up to `burst` at once after a pause: never more than
    /// `burst + max / per × elapsed`. A maximum of 0 lets nothing pass.
    #[must_use]
    pub fn token_bucket(name: impl Into<Arc<str>>, max: u64, per: Duration, burst: u64) -> Self {
        Self::new(name, max, Window::TokenBucket { per, burst })
    }

    /// At most `max` at the same time. 0 lets nothing pass.
    #[must_use]
    pub fn concurrency(name: impl Into<Arc<str>>, max: u64) -> Self {
        Self::new(name, max, Window::Concurrency)
    }

    /// At most `max` in `window`. 0 lets nothing pass.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, max: u64, window: Window) -> Self {
        let name = name.into();
        let quoted = field::string(&name).into();
        let id = window.id(&name);
        // Rounded up: sixty of them are not shorter than the window.
        let length = nanos(window.length());
        let width = length.div_ceil(BUCKETS).max(1);
        let store_failure = StoreFailure::LeaseThenShare;
        let nearly = 0;
        let mut limit =
            Self { name, quoted, max, window, store_failure, id, length, width, nearly };
        // Four fifths, rounded down, without running over.
        let (fifths, rest) = (limit.capacity() / 5, limit.capacity() % 5);
        limit.nearly = fifths * 4 + rest * 4 / 5;
        limit
    }

    /// Says what holds while a shared store does not answer;
    /// [`StoreFailure::LeaseThenShare`] otherwise.
    #[must_use]
    pub fn on_store_failure(mut self, then: StoreFailure) -> Self {
        self.store_failure = then;
        self
    }

    /// Counts under this name, whatever callers see: then a new [`name`](Self::name) changes nothing of
    /// what was spent. Limits of one window that count under one name are one.
    #[must_use]
    pub fn counted_as(mut self, name: &str) -> Self {
        self.id = self.window.id(name);
        self
    }

    /// Tells it from one of the same name and window that was there before: what was spent of that is
    /// not spent of this. 0 otherwise.
    #[must_use]
    pub fn generation(mut self, generation: u64) -> Self {
        if generation > 0 {
            let (before, own) = (self.id.to_le_bytes(), generation.to_le_bytes());
            [self.id, _] = Key::of_bytes([b"generation".as_slice(), &before, &own]).halves();
        }
        self
    }

    /// The name that callers see.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The name as header fields have it, if it can be there.
    pub(crate) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// What passes per window: requests, or whatever a charge costs.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// Over which time it counts.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// What holds while a shared store does not answer.
    #[must_use]
    pub const fn store_failure(&self) -> StoreFailure {
        self.store_failure
    }

    /// The most that can ever pass at once: what one request may cost.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        match self.window {
            Window::TokenBucket { burst, .. } if self.max > 0 => burst,
            Window::TokenBucket { .. }
            | Window::Sliding(_)
            | Window::Fixed(_)
            | Window::CalendarDay
            | Window::CalendarMonth
            | Window::Concurrency => self.max,
        }
    }

    /// Names name and window, but not the maximum: under this, what was spent is remembered.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    /// Whether its counts are worth keeping over a restart.
    pub(crate) const fn is_durable(&self) -> bool {
        matches!(self.window, Window::CalendarDay | Window::CalendarMonth)
    }

    /// How long the window is, in nanoseconds.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    pub(crate) const fn width(&self) -> u64 {
        self.width
    }

    /// More than 80 % is more than this.
    pub(crate) const fn nearly(&self) -> u64 {
        self.nearly
    }
}

impl Policy {
    /// A policy of these limits.
    ///
    /// # Errors
    ///
    /// When two limits share a name, when a name is not printable ASCII (it would not be a
    /// structured field string, RFC 9651), when a window is not a whole number of seconds (the
    /// headers cannot say less), zero, or longer than 366 days, or when a bucket holds nothing.
    pub fn new(limits: impl IntoIterator<Item = Limit>) -> Result<Self, InvalidPolicy> {
        let limits: Box<[Limit]> = limits.into_iter().collect();
        let mut names = HashSet::new();
        for limit in &limits {
            let invalid = |reason| InvalidPolicy { limit: Arc::clone(&limit.name), reason };
            if !field::is_string(&limit.name) {
                return Err(invalid("the name is not printable ASCII"));
            }
            if !names.insert(&*limit.name) {
                return Err(invalid("another limit has the same name"));
            }
            if let Some(reason) = limit.window.flaw() {
                return Err(invalid(reason));
            }
        }
        Ok(Self::of(limits))
    }

    /// At most `max` requests in any minute; the limit's name is `requestsPerMinute`. 0 lets
    /// nothing pass.
    #[must_use]
    pub fn per_minute(max: u64) -> Self {
        let minute = Duration::from_secs(60);
        Self::of(Box::new([Limit::sliding("requestsPerMinute", max, minute)]))
    }

    // What the limits are has been checked.
    fn of(limits: Box<[Limit]>) -> Self {
        let mut header = field::Text::new();
        limits.iter().for_each(|limit| push_item(limit, &mut header));
        let header = HeaderValue::from_bytes(&header).ok().filter(|it| !it.is_empty());
        let has_concurrency = limits.iter().any(|it| it.window == Window::Concurrency);
        let is_durable = limits.iter().any(Limit::is_durable);
        let inner = Inner {
            label: "".into(),
            limits,
            header,
            is_observed: false,
            is_estimated: false,
            has_concurrency,
            is_durable,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Names it, for those who look for its charge, or hear that a limit passes a
    /// [`Threshold`](crate::Threshold). Callers do not see it; counts do not depend on it.
    #[must_use]
    pub fn label(self, label: impl Into<Arc<str>>) -> Self {
        self.change(|it| it.label = label.into())
    }

    /// Counts, and refuses nobody. Callers are not told of its limits.
    #[must_use]
    pub fn observed(self) -> Self {
        self.change(|it| it.is_observed = true)
    }

    /// Says of all its limits what holds while a shared store does not answer.
    #[must_use]
    pub fn on_store_failure(self, then: StoreFailure) -> Self {
        self.change(|it| it.limits.iter_mut().for_each(|it| it.store_failure = then))
    }

    /// What a request is charged by it is a guess, and given back unless somebody says better.
    #[cfg(feature = "meter")]
    pub(crate) fn estimated(self) -> Self {
        self.change(|it| it.is_estimated = true)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Whether there is no limit at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.limits.is_empty()
    }

    /// Whether it only counts.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.inner.is_observed
    }

    /// What [`Policy::label`] said, or nothing.
    #[must_use]
    pub fn get_label(&self) -> &Arc<str> {
        &self.inner.label
    }

    /// The limits, in the order given.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.inner.limits
    }

    /// Where it is: another policy is elsewhere for as long as this one is there.
    #[cfg(feature = "redis")]
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    /// As it is, but of these limits, which are some of its own with other maxima.
    #[cfg(feature = "redis")]
    pub(crate) fn with_limits(&self, limits: impl Iterator<Item = Limit>) -> Self {
        let mut other = Self::of(limits.collect());
        other = other.label(Arc::clone(self.get_label()));
        if self.is_observed() { other.observed() } else { other }
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.inner.is_durable
    }

    pub(crate) fn is_estimated(&self) -> bool {
        self.inner.is_estimated
    }

    pub(crate) fn has_concurrency(&self) -> bool {
        self.inner.has_concurrency
    }

    /// `RateLimit-Policy`; `None` when there is nothing to say.
    pub(crate) fn header(&self) -> Option<&HeaderValue> {
        self.inner.header.as_ref().filter(|_| !self.inner.is_observed)
    }
}

impl Window {
    fn flaw(self) -> Option<&'static str> {
        let length = self.length();
        let is_whole = length.subsec_nanos() == 0 && (1..=LONGEST_SECS).contains(&length.as_secs());
        match self {
            Self::TokenBucket { burst: 0, .. } => Some("the bucket holds nothing"),
            Self::Sliding(_) | Self::Fixed(_) | Self::TokenBucket { .. } => {
                (!is_whole).then_some("the window is not whole seconds up to 366 days")
            }
            Self::CalendarDay | Self::CalendarMonth | Self::Concurrency => None,
        }
    }
}

fn push_item(limit: &Limit, to: &mut field::Text) {
    if !to.is_empty() {
        to.extend_from_slice(b", ");
    }
    to.extend_from_slice(limit.quoted.as_bytes());
    field::push_parameter("q", limit.max, to);
    match limit.window {
        // It has no time: the draft leaves out `w`, and registers this unit.
        Window::Concurrency => to.extend_from_slice(br#";qu="concurrent-requests""#),
        Window::Sliding(_)
        | Window::Fixed(_)
        | Window::CalendarDay
        | Window::CalendarMonth
        | Window::TokenBucket { .. } => {
            field::push_parameter("w", limit.window.length().as_secs(), to);
        }
    }
    if let Window::TokenBucket { burst, .. } = limit.window {
        // The draft asks for a vendor's prefix on parameters of one's own.
        field::push_parameter("rr-burst", burst, to);
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("label", &self.inner.label)
            .field("limits", &self.inner.limits)
            .field("is_observed", &self.inner.is_observed)
            .finish()
    }
}

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {:?}: {}", self.limit, self.reason)
    }
}

impl std::error::Error for InvalidPolicy {}

const LONGEST_SECS: u64 = 366 * 86_400;
/// Parts of a sliding window.
pub(crate) const BUCKETS: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_whole_seconds_up_to_a_year() {
        for (window, valid) in [
            (Duration::ZERO, false),
            (Duration::from_nanos(1), false),
            (Duration::from_millis(1_500), false),
            (Duration::from_secs(1), true),
            (Duration::from_secs(366 * 86_400), true),
            (Duration::from_secs(10 * 366 * 86_400), false),
            (Duration::MAX, false),
        ] {
            let policy = Policy::new([Limit::sliding("a", 1, window)]);
            assert_eq!(policy.is_ok(), valid, "{window:?}");
        }
    }

    #[test]
    fn names_are_unique_and_fit_into_a_header() {
        for (names, expected) in [
            (vec!["a", "b"], None),
            (vec!["a", "b", "a"], Some(r#"limit "a": another limit has the same name"#)),
            (vec!["a\r\nset-cookie: b"], Some("the name is not printable ASCII")),
            (vec!["täglich"], Some("the name is not printable ASCII")),
        ] {
            let error = Policy::new(names.iter().map(|it| Limit::calendar_day(*it, 1)))
                .err()
                .map(|it| it.to_string());
            match expected {
                None => assert_eq!(error, None, "{names:?}"),
                Some(text) => assert!(error.is_some_and(|it| it.contains(text)), "{names:?}"),
            }
        }
    }

    #[test]
    fn the_header_lists_every_limit_in_the_order_given() {
        let policy = Policy::new([
            Limit::sliding("requestsPerMinute", 60, Duration::from_secs(60)),
            Limit::calendar_day("requestsPerDay", u64::MAX),
        ]);
        assert_eq!(
            policy.unwrap().header().unwrap(),
            r#""requestsPerMinute";q=60;w=60, "requestsPerDay";q=999999999999999;w=86400"#
        );
        assert_eq!(Policy::new([]).unwrap().header(), None);
    }

    #[test]
    fn a_policy_per_minute_is_the_one_that_could_be_spelt_out() {
        let limit = |max| Limit::sliding("requestsPerMinute", max, Duration::from_secs(60));
        for max in [0, 1, 300, u64::MAX] {
            assert_eq!(Ok(Policy::per_minute(max)), Policy::new([limit(max)]), "{max}");
        }
    }

    #[test]
    fn a_new_maximum_is_the_same_limit_and_a_new_window_is_not() {
        let minute = Limit::sliding("a", 1, Duration::from_secs(60));
        assert_eq!(minute.id(), Limit::sliding("a", 2, Duration::from_secs(60)).id());
        assert_ne!(minute.id(), Limit::sliding("a", 1, Duration::from_secs(61)).id());
        assert_ne!(minute.id(), Limit::calendar_day("a", 1).id());
        assert_ne!(minute.id(), Limit::fixed("a", 1, Duration::from_secs(60)).id());
        assert_eq!(minute.id(), minute.clone().generation(0).id());
        let other = Limit::sliding("b", 1, Duration::from_secs(60)).counted_as("a");
        assert_eq!(other.id(), minute.id());
        assert_ne!(minute.id(), minute.generation(1).id());
        let bucket = |burst| Limit::token_bucket("a", 1, Duration::from_secs(60), burst);
        assert_eq!(bucket(1).id(), bucket(2).id());
    }
}
