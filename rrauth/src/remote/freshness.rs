//! How long a fetched document is believed, and when it is asked for again.

use std::time::Duration;

use http::header::{AGE, CACHE_CONTROL};
use http::{HeaderMap, HeaderName};

/// When and how a [`Remote`](crate::Remote) asks, and how long it believes the answer.
///
/// ```
/// use std::time::Duration;
/// use rrauth::Freshness;
///
/// let freshness = Freshness::new().cool_down(Duration::from_secs(60));
/// assert_ne!(freshness, Freshness::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    pub(crate) lifetime: Duration,
    pub(crate) cool_down: Duration,
    pub(crate) max_stale: Duration,
    pub(crate) timeout: Duration,
    pub(crate) limit: usize,
    pub(crate) plaintext: bool,
}

impl Freshness {
    /// A document lives 10 minutes, is asked for again early at most every 30 seconds, and serves for
    /// an hour while its server is down; a fetch may take 3 seconds and 64 KiB, and goes over https.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a policy has no default: what it says is chosen"
    )]
    pub const fn new() -> Self {
        Self {
            lifetime: Duration::from_secs(600),
            cool_down: Duration::from_secs(30),
            max_stale: Duration::from_secs(3_600),
            timeout: Duration::from_secs(3),
            limit: 64 * 1024,
            plaintext: false,
        }
    }

    /// How long a document is the newest there is, if its `Cache-Control: max-age` does not say less.
    /// It is fetched again in the second half of that, at random.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long to leave the server alone after a fetch, failed ones included, whoever asks.
    #[must_use]
    pub const fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// How old a document may become while its server is down.
    #[must_use]
    pub const fn max_stale(mut self, max_stale: Duration) -> Self {
        self.max_stale = max_stale;
        self
    }

    /// How long a fetch may take in all, and so how long anybody waits.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many bytes a document may have.
    #[must_use]
    pub const fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Allows plain http, where the network is known to be safe: whoever can change what goes over it
    /// says what the document is.
    #[must_use]
    pub const fn allow_plaintext(mut self, allowed: bool) -> Self {
        self.plaintext = allowed;
        self
    }

    /// How long a document lives that came with these `headers` (RFC 9111 §4.2): never shorter than
    /// the cool-down, never longer than configured.
    ///
    /// `no-cache` and `no-store` are not followed: they would mean a fetch per request.
    pub(crate) fn lifetime_of(&self, headers: &HeaderMap) -> Duration {
        let age = number(headers, &AGE, "").unwrap_or(0);
        let said = number(headers, &CACHE_CONTROL, "max-age=");
        let said = said.map(|it| Duration::from_secs(it.saturating_sub(age)));
        said.unwrap_or(self.lifetime).min(self.lifetime).max(self.cool_down)
    }

    /// How long after a fetch to fetch again what lives so long. `chance`, at random, keeps a fleet
    /// from asking in step.
    pub(crate) fn refresh_after(&self, lifetime: Duration, chance: u8) -> Duration {
        let half = lifetime / 2;
        half.saturating_add(half / 256 * u32::from(chance)).max(self.cool_down)
    }

    /// How long after the last of so many failures in a row to try again.
    ///
    /// Nothing can be served while there is no document, so the first tries come quickly; nobody can
    /// hasten them.
    pub(crate) fn retry_after(&self, failures: u32, served: bool, chance: u8) -> Duration {
        let doubled = Duration::from_secs(1 << failures.saturating_sub(1).min(16));
        let pause = if served { self.cool_down } else { doubled.min(self.cool_down) };
        pause.saturating_add(pause / 1024 * u32::from(chance))
    }
}

/// The number after `prefix` in the first directive of `name` that begins so.
fn number(headers: &HeaderMap, name: &HeaderName, prefix: &str) -> Option<u64> {
    let values = headers.get_all(name).iter().filter_map(|it| it.to_str().ok());
    let mut directives = values.flat_map(|it| it.split(',')).map(str::trim);
    directives.find_map(|it| {
        let (start, rest) = it.split_at_checked(prefix.len())?;
        let digits = rest.trim_matches('"');
        // More digits than fit are a long time, not none.
        let long = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
        (start.eq_ignore_ascii_case(prefix) && long).then(|| digits.parse().unwrap_or(u64::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_can_shorten_a_life_within_bounds_and_not_lengthen_it() {
        check(&[], 600);
        check(&[("cache-control", "max-age=120")], 120);
        check(&[("cache-control", "public, Max-Age=\"120\", must-revalidate")], 120);
        check(&[("cache-control", "max-age=120"), ("age", "20")], 100);
        check(&[("cache-control", "max-age=120"), ("age", "999")], 30);
        check(&[("cache-control", "max-age=0")], 30);
        check(&[("cache-control", "max-age=99999")], 600);
        check(&[("cache-control", "max-age=99999999999999999999999")], 600);
        for nothing in
            ["no-store", "max-age", "max-age=", "max-age=-1", "s-maxage=60", "xmax-age=60"]
        {
            check(&[("cache-control", nothing)], 600);
        }
    }

    #[test]
    fn it_is_fetched_again_before_it_is_old_and_not_in_step() {
        let freshness = Freshness::new();
        let after = |chance| freshness.refresh_after(Duration::from_secs(600), chance).as_secs();
        assert_eq!((after(0), after(128), after(255)), (300, 450, 598));
        assert_eq!(freshness.refresh_after(Duration::from_secs(30), 0).as_secs(), 30);
    }

    #[test]
    fn failures_are_retried_ever_later_while_nothing_can_be_served() {
        let after = |failures, served| Freshness::new().retry_after(failures, served, 0).as_secs();
        let cold: Vec<_> = [1, 2, 3, 4, 5, 6, 7, 99].map(|it| after(it, false)).into();
        assert_eq!(cold, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!((after(1, true), after(99, true)), (30, 30));
    }

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], expected: u64) {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        let headers: HeaderMap = headers.collect();
        assert_eq!(Freshness::new().lifetime_of(&headers).as_secs(), expected, "{headers:?}");
    }
}
