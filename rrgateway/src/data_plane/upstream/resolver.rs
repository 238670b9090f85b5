//! Resolves names, and drops the addresses that may not be called: checked on what is connected
//! to, so that a name cannot first resolve to one thing and then to another.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

use crate::model::{EgressPolicy, EgressRefused};

/// The system's resolver behind an egress policy.
#[derive(Clone, Debug)]
pub struct GuardedResolver {
    inner: GaiResolver,
    egress: EgressPolicy,
}

impl GuardedResolver {
    /// Resolves to what `egress` permits.
    #[must_use]
    pub fn new(egress: EgressPolicy) -> Self {
        Self { inner: GaiResolver::new(), egress }
    }
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn Error + Send + Sync>;
    // Once per connection, not per request.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (resolving, egress) = (self.inner.call(name), self.egress.clone());
        Box::pin(async move {
            let permitted: Vec<_> = resolving.await?.filter(|it| egress.permits(it.ip())).collect();
            if permitted.is_empty() {
                Err(EgressRefused::NotListed.into())
            } else {
                Ok(permitted.into_iter())
            }
        })
    }
}
