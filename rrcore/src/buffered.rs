//! The request body, read once for all stages that need it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request};
use pin_project_lite::pin_project;

use crate::body::Body;
use crate::collect::{Collect, CollectError, Collected};

/// The request body as the client sent it, shared by all stages: one request extension.
///
/// Its presence says that the body has been read. What goes on to the inner service is byte for
/// byte what is here.
#[derive(Clone, Debug)]
pub struct BufferedBody {
    data: Bytes,
}

impl BufferedBody {
    /// The bytes, as they were sent (still encoded, where the request has a `Content-Encoding`).
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// Reads the body of `request`, up to `limit` bytes, and gives the request back with the body
    /// in its extensions and again as its body.
    ///
    /// Trailers are dropped:
    /// no stage inspects them, so none may pass.
    pub fn read<B: http_body::Body<Data = Bytes>>(
        request: Request<B>,
        limit: usize,
    ) -> ReadBody<B> {
        let (head, body) = request.into_parts();
        ReadBody { collect: Collect::new(body, limit), head: Some(head) }
    }
}

pin_project! {
    /// Resolves to the request with its [`BufferedBody`].
    #[derive(Debug)]
    #[must_use]
    pub struct ReadBody<B> {
        #[pin]
        collect: Collect<B>,
        head: Option<http::request::Parts>,
    }
}

impl<B: http_body::Body<Data = Bytes>> Future for ReadBody<B> {
    type Output = Result<Request<Body<B>>, CollectError<B::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Collected { data, trailers: _ } = ready!(this.collect.poll(cx))?;
        let Some(mut head) = this.head.take() else { return Poll::Pending };
        frame_exactly(&mut head.headers, data.len());
        head.extensions.insert(BufferedBody { data: data.clone() });
        Poll::Ready(Ok(Request::from_parts(head, Body::own(data))))
    }
}

// The body is whole now, and its trailers are gone.
fn frame_exactly(headers: &mut HeaderMap, length: usize) {
    let framed = headers.remove(http::header::TRANSFER_ENCODING).is_some()
        || headers.contains_key(http::header::CONTENT_LENGTH);
    headers.remove(http::header::TRAILER);
    if framed {
        headers.insert(http::header::CONTENT_LENGTH, length.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};

    #[tokio::test]
    async fn what_is_inspected_is_what_goes_on() {
        let request = Request::new(Full::new(Bytes::from_static(b"{\"a\":1}")));
        let read = BufferedBody::read(request, 7).await.unwrap();
        let inspected = read.extensions().get::<BufferedBody>().unwrap().data().clone();
        assert_eq!(read.into_body().collect().await.unwrap().to_bytes(), inspected);
    }

    #[tokio::test]
    async fn one_byte_over_the_limit_is_too_large() {
        let request = Request::new(Full::new(Bytes::from_static(b"12345678")));
        let error = BufferedBody::read(request, 7).await.unwrap_err();
        assert!(matches!(error, CollectError::TooLarge));
    }
}
