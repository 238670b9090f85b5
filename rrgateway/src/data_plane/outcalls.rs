//! Calls to key servers and token endpoints, under the same egress policy as upstreams.

use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;
use http_body_util::Full;
use rrauth::{HttpClient, HttpError, HttpFuture, ServiceClient};

use crate::data_plane::upstream::Connector;
use crate::data_plane::vitals::Vitals;

/// Calls over connections of their own: what a key server sends out of turn must not reach an
/// upstream's caller. Follows no redirect.
#[derive(Clone, Debug)]
pub struct Outcalls {
    connector: Connector,
    vitals: Vitals,
}

impl Outcalls {
    /// Calls through `connector`, and counts in `vitals`.
    #[must_use]
    pub(crate) const fn new(connector: Connector, vitals: Vitals) -> Self {
        Self { connector, vitals }
    }
}

impl HttpClient for Outcalls {
    fn send(&self, request: Request<Bytes>, limit: usize) -> HttpFuture {
        if let Err(why) = self.connector.judge(request.uri()) {
            self.vitals.outcall(false);
            return Box::pin(std::future::ready(Err(HttpError::new(why.to_string()))));
        }
        // A connection of its own for each: calls are rare, and threads with a runtime each must not
        // share one.
        let client = self.connector.outcalls::<Full<Bytes>>();
        let (call, vitals) = (ServiceClient::new(client).send(request, limit), self.vitals.clone());
        Box::pin(call.inspect(move |answer| vitals.outcall(answer.is_ok())))
    }
}
