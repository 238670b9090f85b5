//! Calls to key servers and token endpoints, under the same egress policy as upstreams.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use rrauth::{HttpClient, HttpError, HttpFuture, ServiceClient};

use crate::data_plane::upstream::Connector;

/// Calls over connections of their own: what a key server sends out of turn must not reach an
/// upstream's caller. Follows no redirect.
#[derive(Clone, Debug)]
pub struct Outcalls {
    connector: Connector,
}

impl Outcalls {
    /// Calls through `connector`.
    #[must_use]
    pub const fn new(connector: Connector) -> Self {
        Self { connector }
    }
}

impl HttpClient for Outcalls {
    fn send(&self, request: Request<Bytes>, limit: usize) -> HttpFuture {
        if let Err(why) = self.connector.judge(request.uri()) {
            return Box::pin(std::future::ready(Err(HttpError::new(why.to_string()))));
        }
        // A connection of its own for each: calls are rare, and threads with a runtime each must not
        // share one.
        let client = self.connector.outcalls::<Full<Bytes>>();
        ServiceClient::new(client).send(request, limit)
    }
}
