//! Connects, and uses no connection that leads back to the gateway itself: what a name resolves to is
//! known only now.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use crate::data_plane::upstream::resolver::GuardedResolver;
use crate::model::EgressPolicy;

/// Connects to addresses that an egress policy permits.
#[derive(Clone, Debug)]
pub struct GuardedConnector {
    inner: HttpConnector<GuardedResolver>,
    egress: EgressPolicy,
}

impl GuardedConnector {
    /// Connects to what `egress` permits, or gives up after `timeout`.
    #[must_use]
    pub fn new(egress: EgressPolicy, timeout: Duration) -> Self {
        let mut inner = HttpConnector::new_with_resolver(GuardedResolver::new(egress.clone()));
        inner.enforce_http(false);
        inner.set_nodelay(true);
        inner.set_connect_timeout(Some(timeout));
        Self { inner, egress }
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn Error + Send + Sync>;
    // Once per connection, not per request.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let (connecting, egress) = (self.inner.call(target), self.egress.clone());
        Box::pin(async move {
            let connection = connecting.await?;
            let stream = connection.inner();
            egress.judge_connection(stream.local_addr()?, stream.peer_addr()?)?;
            Ok(connection)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EgressRefused;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_name_that_leads_back_to_the_gateway_is_not_called() {
        let egress =
            EgressPolicy::allowing(["127.0.0.0/8", "::1/128"].map(|it| it.parse().unwrap()));
        let (own, other) = (listener().await, listener().await);
        egress.never(own.local_addr().unwrap());
        let mut connector = GuardedConnector::new(egress, Duration::from_secs(5));
        let mut connect = async |to: &TcpListener| {
            let port = to.local_addr().unwrap().port();
            connector.call(format!("http://localhost:{port}/").parse().unwrap()).await
        };
        let refused = connect(&own).await.unwrap_err();
        assert_eq!(refused.downcast_ref(), Some(&EgressRefused::Own));
        assert!(connect(&other).await.is_ok());
    }

    async fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.unwrap()
    }
}
