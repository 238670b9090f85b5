//! What it takes to call a token endpoint or a key server.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};

use crate::client::error::HttpError;

/// A call on its way.
pub type HttpFuture = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send>>;

/// Calls token endpoints and key servers, for whoever verifies and fetches tokens.
///
/// [`ServiceClient`](crate::ServiceClient) makes one of any HTTP client that is a tower service.
/// Implement it yourself to decide where calls may go.
///
/// An implementation must **not** follow redirects: the requests carry secrets, and where they go is
/// configuration. It need not time calls: whoever calls does.
pub trait HttpClient: fmt::Debug + Send + Sync + 'static {
    /// Sends `request`, whose URI is absolute, and reads the whole answer.
    ///
    /// # Errors
    /// When there is none, or its body is longer than `limit` bytes.
    fn send(&self, request: Request<Bytes>, limit: usize) -> HttpFuture;
}
