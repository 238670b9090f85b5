//! Who stops whoever guesses, before a guess costs anything.

use std::sync::Arc;
use std::time::Duration;

use rrcore::{ClientAddress, Now};

/// Limits how often one client may fail to authenticate.
///
/// It is asked before anything is looked up, hashed or fetched, and told afterwards what failed.
/// Only failures count: a caller with a good credential is never slowed down by its own traffic,
/// though it is by the guesses of others behind its address.
///
/// Both are called on the path of requests, so they must answer at once. Count by
/// [`ClientAddress::network`], or whoever has an IPv6 network has 2⁶⁴ tries.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use rrauth::FailureLimit;
/// use rrcore::{ClientAddress, Now};
///
/// /// Three failures a client, then nothing for ever.
/// #[derive(Default)]
/// struct ThreeStrikes {
///     failures: Mutex<HashMap<std::net::IpAddr, u32>>,
/// }
///
/// impl FailureLimit for ThreeStrikes {
///     fn admit(&self, client: ClientAddress, _: Now) -> Result<(), Duration> {
///         match self.failures.lock().unwrap().get(&client.network()) {
///             Some(3..) => Err(Duration::MAX),
///             Some(_) | None => Ok(()),
///         }
///     }
///
///     fn failed(&self, client: ClientAddress, _: Now) {
///         *self.failures.lock().unwrap().entry(client.network()).or_default() += 1;
///     }
/// }
///
/// # let now = Now { monotonic: Duration::ZERO, wall: Duration::ZERO };
/// let limit = ThreeStrikes::default();
/// let guesser = ClientAddress::of_peer("2001:db8::1".parse().unwrap());
/// for _ in 0..3 {
///     assert!(limit.admit(guesser, now).is_ok());
///     limit.failed(guesser, now);
/// }
/// let elsewhere_in_its_network = ClientAddress::of_peer("2001:db8::2".parse().unwrap());
/// assert!(limit.admit(elsewhere_in_its_network, now).is_err());
/// ```
///
/// # Caveats
///
/// It is neither asked nor told where the request's [`Context`](rrcore::Context) has no address:
/// [`ContextLayer::address`](rrcore::ContextLayer::address) outside the layer puts it there.
///
/// Between the two calls other requests of the same client are admitted: as many as are under way
/// at once may be tried beyond the limit. Count each of them, beyond the limit too, or that happens
/// again whenever there is room for one. What one of them can cost is bounded elsewhere, by whoever
/// does the work.
pub trait FailureLimit: Send + Sync {
    /// Whether `client` may try, at this time.
    ///
    /// # Errors
    /// How long it has to wait first, at least.
    fn admit(&self, client: ClientAddress, now: Now) -> Result<(), Duration>;

    /// `client` has shown a credential that does not hold, or a password and gone away before it was
    /// known whether it does. Not called where nobody could tell, nor where nothing was shown.
    fn failed(&self, client: ClientAddress, now: Now);
}

impl<F: FailureLimit + ?Sized> FailureLimit for Arc<F> {
    fn admit(&self, client: ClientAddress, now: Now) -> Result<(), Duration> {
        (**self).admit(client, now)
    }

    fn failed(&self, client: ClientAddress, now: Now) {
        (**self).failed(client, now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicU32);

    impl FailureLimit for Counted {
        fn admit(&self, _: ClientAddress, _: Now) -> Result<(), Duration> {
            match self.0.load(Ordering::Relaxed) {
                0 => Ok(()),
                failures => Err(Duration::from_secs(failures.into())),
            }
        }

        fn failed(&self, _: ClientAddress, _: Now) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_limit_can_be_chosen_at_run_time_and_shared() {
        let limit: Arc<dyn FailureLimit> = Arc::new(Counted::default());
        let now = Now { monotonic: Duration::ZERO, wall: Duration::ZERO };
        let client = ClientAddress::of_peer([192, 0, 2, 1].into());
        assert_eq!(limit.admit(client, now), Ok(()));
        limit.failed(client, now);
        assert_eq!(Arc::clone(&limit).admit(client, now), Err(Duration::from_secs(1)));
    }
}
