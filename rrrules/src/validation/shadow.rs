//! A response body that is looked at when it has passed.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use rrcore::{Context, Outcome, Stage};

use super::validator::{RequestParts, Validator};
use super::verdict::{fact, plain, unchecked};

pin_project! {
    /// The inner service's body, passed through untouched: frames, trailers, size hint and errors.
    /// A copy of it may be looked at.
    pub struct Shadowed<B> {
        #[pin]
        inner: B,
        watch: Option<Box<Watch>>,
    }
}

/// Looks at the response to one request.
pub(super) struct Watch {
    validator: Arc<Validator>,
    context: Context,
    method: Method,
    path: String,
    limit: usize,
    status: StatusCode,
    headers: HeaderMap,
    seen: BytesMut,
    is_whole: bool,
}

impl Watch {
    pub(super) fn new(
        validator: Arc<Validator>,
        context: Context,
        (method, path): (Method, String),
        limit: usize,
    ) -> Box<Self> {
        let (status, headers) = (StatusCode::OK, HeaderMap::new());
        let (seen, is_whole) = (BytesMut::new(), true);
        Box::new(Self { validator, context, method, path, limit, status, headers, seen, is_whole })
    }

    fn see(&mut self, data: &[u8]) {
        if data.len() > self.limit.saturating_sub(self.seen.len()) {
            self.is_whole = false;
            self.seen = BytesMut::new();
        }
        if self.is_whole {
            self.seen.extend_from_slice(data);
        }
    }

    fn finish(self) {
        let body = self.seen.freeze();
        let fact = match plain(&self.headers, &body, self.limit) {
            Ok(body) if self.is_whole => {
                let (method, path) = (&self.method, self.path.as_str());
                let parts = RequestParts { method, path, query: None, headers: &self.headers };
                let body = Some(&body[..]).filter(|_| method != Method::HEAD);
                let checked =
                    self.validator.check_response(&parts, self.status, &self.headers, body);
                fact("response", &checked)
            }
            Ok(_) | Err(_) => unchecked("response"),
        };
        self.context.record(Stage::Validate, Outcome::Passed, fact);
    }
}

impl<B: http_body::Body<Data = Bytes>> Shadowed<B> {
    pub(super) fn of(response: Response<B>, watch: Option<Box<Watch>>) -> Response<Self> {
        let watch = watch.map(|mut watch| {
            watch.status = response.status();
            watch.headers = response.headers().clone();
            watch
        });
        response.map(|inner| {
            let mut body = Self { inner, watch };
            // A server does not ask for the frames of a body that has none.
            if body.inner.is_end_stream() {
                body.watch.take().into_iter().for_each(|it| it.finish());
            }
            body
        })
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for Shadowed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        if let (Some(watch), Poll::Ready(frame)) = (this.watch.as_mut(), &polled) {
            let is_over = match frame {
                None => true,
                Some(Ok(frame)) => {
                    frame.data_ref().into_iter().for_each(|data| watch.see(data));
                    this.inner.is_end_stream()
                }
                Some(Err(_)) => {
                    watch.is_whole = false;
                    true
                }
            };
            if is_over {
                this.watch.take().into_iter().for_each(|it| it.finish());
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> fmt::Debug for Shadowed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadowed").field("watched", &self.watch.is_some()).finish_non_exhaustive()
    }
}
