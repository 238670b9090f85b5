//! Any HTTP client that is a tower service.

use std::fmt;
use std::future::poll_fn;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use tower_service::Service;

use crate::client::error::HttpError;
use crate::client::http_client::{HttpClient, HttpFuture};

/// Makes an [`HttpClient`] of a tower service, such as the client of `hyper-util`.
///
/// That one does not follow redirects, and neither may what you give it.
#[derive(Clone)]
pub struct ServiceClient<S> {
    service: S,
}

impl<S> ServiceClient<S> {
    /// Calls through clones of `service`.
    #[must_use]
    pub const fn new(service: S) -> Self {
        Self { service }
    }
}

impl<S, B> HttpClient for ServiceClient<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: fmt::Display,
    S::Future: Send,
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn send(&self, request: Request<Bytes>, limit: usize) -> HttpFuture {
        let mut service = self.service.clone();
        Box::pin(async move {
            let failed = |error: S::Error| HttpError::new(format!("no answer: {error}"));
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(failed)?;
            let response = service.call(request.map(Full::new)).await.map_err(failed)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, limit)
                .collect()
                .await
                .map_err(|error| HttpError::new(format!("the answer cannot be read: {error}")))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        })
    }
}

impl<S> fmt::Debug for ServiceClient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceClient")
    }
}
