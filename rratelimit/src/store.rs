//! Where counts are kept: in this process, or where several share them.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rrcore::Now;

use crate::charge::{Charge, Receipt};
use crate::decision::Decision;
use crate::limiter::Limiter;

/// What a [`RateLimitLayer`](crate::RateLimitLayer) asks, and tells.
///
/// Clones are one store. Only [`take`](Store::take) may be waited for; all else that changes something
/// returns at once, and does what it has to do behind the caller's back.
pub trait Store: Clone + Send + Sync + 'static {
    /// A decision that takes time.
    type Later: Future<Output = Result<Decision, Unavailable>> + Send;

    /// Takes all that is charged, or, when one of the limits refuses, nothing.
    fn take(&self, charges: &[Charge<'_>], now: Now) -> Taking<Self::Later>;

    /// What [`take`](Store::take) would answer; takes nothing. For who looks, and not for who decides:
    /// where others are asked, the thread waits.
    ///
    /// # Errors
    ///
    /// When nobody could decide, and a limit says that then nothing passes.
    fn foresee(&self, charges: &[Charge<'_>], now: Now) -> Result<Decision, Unavailable>;

    /// Adds to all that is charged, whether there is room or not.
    fn add(&self, charges: &[Charge<'_>], now: Now);

    /// Puts back all that was taken, each into the window it came from, where that is not over.
    fn refund(&self, receipt: &Receipt, now: Now);

    /// The charge at `position` of the receipt turns out to cost `actual`: the difference goes
    /// back into the window it was taken from, or is taken of that window too.
    fn settle(&self, receipt: &Receipt, position: usize, actual: u64, now: Now);

    /// What concurrency limits counted is over.
    fn release(&self, receipt: &Receipt);
}

/// A decision, or the wait for one.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the local store's only variant; it is moved once")]
pub enum Taking<F> {
    /// It is there.
    Now(Result<Decision, Unavailable>),
    /// It will be.
    Later(F),
}

/// Nobody could decide, and a limit says that then nothing passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    limit: Arc<str>,
}

/// The wait for a decision that is always there at once: it cannot come to be.
#[derive(Clone, Copy, Debug)]
pub struct Never(Infallible);

impl Unavailable {
    /// The limit that could not be asked.
    #[must_use]
    pub const fn new(limit: Arc<str>) -> Self {
        Self { limit }
    }

    /// The name of the limit that could not be asked.
    #[must_use]
    pub const fn limit(&self) -> &Arc<str> {
        &self.limit
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {:?}: its store does not answer", self.limit)
    }
}

impl std::error::Error for Unavailable {}

impl Future for Never {
    type Output = Result<Decision, Unavailable>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0 {}
    }
}

impl Store for Arc<Limiter> {
    type Later = Never;

    fn take(&self, charges: &[Charge<'_>], now: Now) -> Taking<Never> {
        Taking::Now(Ok(Limiter::take(self, charges, now)))
    }

    fn foresee(&self, charges: &[Charge<'_>], now: Now) -> Result<Decision, Unavailable> {
        Ok(Limiter::foresee(self, charges, now))
    }

    fn add(&self, charges: &[Charge<'_>], now: Now) {
        Limiter::add(self, charges, now);
    }

    fn refund(&self, receipt: &Receipt, now: Now) {
        Limiter::refund(self, receipt, now);
    }

    fn settle(&self, receipt: &Receipt, position: usize, actual: u64, now: Now) {
        Limiter::settle(self, receipt, position, actual, now);
    }

    fn release(&self, receipt: &Receipt) {
        Limiter::release(self, receipt);
    }
}
