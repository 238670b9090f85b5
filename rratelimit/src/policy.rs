//! What is allowed: named limits, and the rules that make a set of them valid.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use crate::field;
use crate::key::Key;

/// Over which time a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The time before each request. Whole seconds, from one second to 366 days.
    Sliding(Duration),
    /// The day by the wall clock, in UTC: starts anew at midnight.
    CalendarDay,
}

/// So many requests in a window, under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    name: Arc<str>,
    max: u64,
    window: Window,
    id: u64,
}

/// Limits that must all have room for a request to pass. Empty: everything passes.
///
/// Immutable; cheap to clone. What has been spent is not here but in a
/// [`Limiter`](crate::Limiter), and so survives a change of policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    limits: Arc<[Limit]>,
    header: Option<HeaderValue>,
}

/// Why some limits are not a [`Policy`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPolicy {
    limit: Arc<str>,
    reason: &'static str,
}

impl Limit {
    /// At most `max` requests in any `window`. 0 lets nothing pass.
    ///
    /// `name` is what callers see in `RateLimit` headers.
    #[must_use]
    pub fn sliding(name: impl Into<Arc<str>>, max: u64, window: Duration) -> Self {
        Self::new(name.into(), max, Window::Sliding(window))
    }

    /// At most `max` requests in a UTC day. 0 lets nothing pass.
    #[must_use]
    pub fn calendar_day(name: impl Into<Arc<str>>, max: u64) -> Self {
        Self::new(name.into(), max, Window::CalendarDay)
    }

    fn new(name: Arc<str>, max: u64, window: Window) -> Self {
        let [id, _] = Key::digest((&*name, window)).halves();
        Self { name, max, window, id }
    }

    /// The name that callers see.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Requests per window.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// Over which time it counts.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Names name and window, but not the maximum: under this, what was spent is remembered.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }
}

impl Window {
    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Sliding(length) => length,
            Self::CalendarDay => Duration::from_secs(86_400),
        }
    }
}

impl Policy {
    /// A policy of these limits.
    ///
    /// # Errors
    ///
    /// When two limits share a name, when a name is not printable ASCII (it would not be a
    /// structured field string, RFC 9651), or when a sliding window is not a whole number of
    /// seconds (the headers cannot say less), zero, or longer than 366 days.
    pub fn new(limits: impl IntoIterator<Item = Limit>) -> Result<Self, InvalidPolicy> {
        let limits: Arc<[Limit]> = limits.into_iter().collect();
        let mut names = HashSet::new();
        for limit in &*limits {
            let invalid = |reason| InvalidPolicy { limit: Arc::clone(&limit.name), reason };
            if !field::is_string(&limit.name) {
                return Err(invalid("the name is not printable ASCII"));
            }
            if !names.insert(&*limit.name) {
                return Err(invalid("another limit has the same name"));
            }
            let length = limit.window.length();
            if length.subsec_nanos() != 0 || !(1..=LONGEST_SECS).contains(&length.as_secs()) {
                return Err(invalid("the window is not whole seconds up to 366 days"));
            }
        }
        Ok(Self::of(limits))
    }

    /// At most `max` requests in any minute; the limit's name is `requestsPerMinute`. 0 lets
    /// nothing pass.
    #[must_use]
    pub fn per_minute(max: u64) -> Self {
        let minute = Duration::from_secs(60);
        Self::of(Arc::new([Limit::sliding("requestsPerMinute", max, minute)]))
    }

    // What the limits are has been checked.
    fn of(limits: Arc<[Limit]>) -> Self {
        let mut header = String::new();
        limits.iter().for_each(|limit| push_item(limit, &mut header));
        let header = HeaderValue::try_from(header).ok().filter(|it| !it.is_empty());
        Self { limits, header }
    }

    /// Whether there is no limit at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }

    /// The limits, in the order given.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    pub(crate) const fn shared_limits(&self) -> &Arc<[Limit]> {
        &self.limits
    }

    /// `RateLimit-Policy`; `None` when there is nothing to say.
    pub(crate) const fn header(&self) -> Option<&HeaderValue> {
        self.header.as_ref()
    }
}

fn push_item(limit: &Limit, to: &mut String) {
    if !to.is_empty() {
        to.push_str(", ");
    }
    field::push_string(&limit.name, to);
    field::push_parameter("q", limit.max, to);
    field::push_parameter("w", limit.window.length().as_secs(), to);
}

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {:?}: {}", self.limit, self.reason)
    }
}

impl std::error::Error for InvalidPolicy {}

const LONGEST_SECS: u64 = 366 * 86_400;

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
    }
}
