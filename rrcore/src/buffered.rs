//! The request body, read once for all stages that need it.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request};

use crate::body::Body;
use crate::budget::{Budget, Taken};
use crate::code::{Code, Stage};
use crate::collect::hold;
use crate::refusal::Refusal;

/// The request body as the client sent it, shared by all stages: one request extension.
///
/// Its presence says that the body has been read. What goes on to the inner service is byte for
/// byte what is here; a stage that changes the body replaces the extension too.
#[derive(Clone)]
pub struct BufferedBody {
    data: Bytes,
}

/// What came of reading a body. Nothing that was read is lost.
#[derive(Debug)]
pub enum ReadOutcome<B> {
    /// It is whole, and in the request's extensions as [`BufferedBody`].
    Whole(Request<Body<B>>),
    /// It is larger than the limit. The request's body gives what was read, and then the rest.
    TooLarge(Request<Body<B>>),
    /// It could not be read: what to answer.
    Failed(Refusal),
}

/// Why a body ended early, said by the server that reads it off the connection.
///
/// Found in an error or among its sources, it decides the refusal. Any other error of a request's
/// body is a malformed message: 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// It is larger than the server takes: 413.
    TooLarge,
    /// The client stopped sending: 408.
    Stalled,
}

/// Resolves to what came of reading a body.
#[must_use]
pub struct ReadBody<B> {
    request: Option<Request<B>>,
    limit: usize,
    taken: Option<Taken>,
    // Together, not piece by piece: a body of a million pieces must cost what one of one does.
    first: Bytes,
    rest: BytesMut,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl BufferedBody {
    /// What a stage has made of the body, for the stages after it. The stage passes the same bytes
    /// on, and says in the headers how long they are and how they are encoded.
    #[must_use]
    pub const fn new(data: Bytes) -> Self {
        Self { data }
    }

    /// The bytes, as they were sent (still encoded, where the request has a `Content-Encoding`).
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// Puts `data` in the place of the body of `request`, which a stage has read: as its body, and as
    /// what later stages see of it. The length is the new one.
    pub fn replace<B>(request: Request<Body<B>>, data: Bytes) -> Request<Body<B>> {
        let (mut head, _) = request.into_parts();
        frame_exactly(&mut head.headers, data.len());
        head.extensions.insert(Self { data: data.clone() });
        Request::from_parts(head, Body::own(data))
    }

    /// Reads the body of `request`, up to `limit` bytes, and gives the request back with the body
    /// in its extensions and again as its body.
    ///
    /// A body that a stage before has read is not read again. Trailers are dropped: no stage
    /// inspects them, so none may pass.
    pub fn read<B>(request: Request<B>, limit: usize) -> ReadBody<B> {
        let request = Some(request);
        ReadBody { request, limit, taken: None, first: Bytes::new(), rest: BytesMut::new() }
    }
}

impl<B> ReadBody<B> {
    /// Takes the memory for the body from `budget`: where that is used up, 503 `overloaded`.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.taken = Some(budget.nothing_yet());
        self
    }

    fn whole(&mut self, request: Request<B>) -> ReadOutcome<B> {
        let data = self.read();
        let data = match self.taken.take() {
            Some(taken) if !data.is_empty() => taken.with(data),
            Some(_) | None => data,
        };
        let (mut head, _) = request.into_parts();
        frame_exactly(&mut head.headers, data.len());
        head.extensions.insert(BufferedBody { data: data.clone() });
        ReadOutcome::Whole(Request::from_parts(head, Body::own(data)))
    }

    // From here on it only streams: its memory is the connection's again.
    fn too_large(&mut self, request: Request<B>) -> ReadOutcome<B> {
        let read = Some(self.read()).filter(|it| !it.is_empty());
        ReadOutcome::TooLarge(request.map(|rest| Body::replayed(read, rest)))
    }

    // Most bodies are one frame: that one is kept as it came.
    fn read(&mut self) -> Bytes {
        match self.rest.is_empty() {
            true => std::mem::take(&mut self.first),
            false => std::mem::take(&mut self.rest).freeze(),
        }
    }

    fn length(&self) -> usize {
        self.first.len() + self.rest.len()
    }
}

impl<B> Future for ReadBody<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Output = ReadOutcome<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ReadOutcome<B>> {
        let this = self.get_mut();
        let Some(mut request) = this.request.take() else { return Poll::Pending };
        if let Some(read) = request.extensions().get::<BufferedBody>() {
            let fits = read.data.len() <= this.limit;
            let request = request.map(Body::inner);
            return Poll::Ready(match fits {
                true => ReadOutcome::Whole(request),
                false => ReadOutcome::TooLarge(request),
            });
        }
        // A declared length over the limit is known before a byte is read.
        if request.body().size_hint().lower() > this.limit as u64 {
            return Poll::Ready(this.too_large(request));
        }
        loop {
            let polled = Pin::new(request.body_mut()).poll_frame(cx);
            if polled.is_pending() {
                this.request = Some(request);
                return Poll::Pending;
            }
            let data = match ready!(polled) {
                None => return Poll::Ready(this.whole(request)),
                Some(Err(error)) => return Poll::Ready(ReadOutcome::Failed(refusal(error))),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            let fits = this.taken.as_mut().is_none_or(|it| it.take(data.len()));
            hold(&mut this.first, &mut this.rest, data);
            if this.length() > this.limit {
                return Poll::Ready(this.too_large(request));
            }
            if !fits {
                let refusal = Refusal::new(Code::Overloaded).because("no memory left for bodies");
                return Poll::Ready(ReadOutcome::Failed(refusal));
            }
        }
    }
}

fn refusal(error: impl Into<BoxError>) -> Refusal {
    let error: BoxError = error.into();
    let first: &(dyn Error + 'static) = &*error;
    let mut sources = std::iter::successors(Some(first), |it| below(*it));
    match sources.find_map(|it| it.downcast_ref::<BodyFault>()) {
        Some(BodyFault::TooLarge) => Refusal::new(Code::ContentTooLarge),
        Some(BodyFault::Stalled) => Refusal::new(Code::RequestTimeout),
        None => Refusal::new(Code::MalformedRequest)
            .at(Stage::Hygiene)
            .detail("The request body could not be read."),
    }
}

// An `io::Error` hides what it wraps from `source`.
fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
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

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the body is larger than the server takes",
            Self::Stalled => "the client stopped sending the body",
        })
    }
}

impl Error for BodyFault {}

// Bodies carry secrets.
impl fmt::Debug for BufferedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferedBody").field("bytes", &self.data.len()).finish()
    }
}

impl<B> fmt::Debug for ReadBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBody").field("length", &self.length()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full, channel::Channel};

    type TestBody = Channel<Bytes, io::Error>;

    #[tokio::test]
    async fn what_is_inspected_is_what_goes_on() {
        let read = whole(BufferedBody::read(sent(&["{\"a\"", ":1}"], None), 7).await);
        let inspected = read.extensions().get::<BufferedBody>().unwrap().data().clone();
        assert_eq!(inspected, "{\"a\":1}");
        assert_eq!(text(read).await, inspected);
    }

    #[tokio::test]
    async fn a_body_is_read_once() {
        let read = whole(BufferedBody::read(sent(&["1234"], None), 7).await);
        let again = whole(BufferedBody::read(read, 7).await);
        assert_eq!(text(again).await, "1234");
        let read = whole(BufferedBody::read(sent(&["1234"], None), 7).await);
        assert!(matches!(BufferedBody::read(read, 3).await, ReadOutcome::TooLarge(_)));
    }

    #[tokio::test]
    async fn of_a_body_over_the_limit_nothing_is_lost() {
        for pieces in [&["1234567", "8", "9"][..], &["123456789"]] {
            match BufferedBody::read(sent(pieces, None), 7).await {
                ReadOutcome::TooLarge(request) => {
                    assert!(request.extensions().get::<BufferedBody>().is_none());
                    assert_eq!(text(request).await, "123456789");
                }
                other => panic!("{other:?}"),
            }
        }
        let declared = Request::new(Full::new(Bytes::from_static(b"12345678")));
        match BufferedBody::read(declared, 7).await {
            ReadOutcome::TooLarge(request) => assert_eq!(text(request).await, "12345678"),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_two_stages_passed_on_is_one_body_again() {
        for limits in [(7, 7), (7, 20), (20, 7), (20, 20)] {
            let (first, second) = limits;
            let read = BufferedBody::read(sent(&["12345", "67890"], None), first).await;
            let read = BufferedBody::read(request(read), second).await;
            assert_eq!(text(request(read).map(Body::flatten)).await, "1234567890", "{limits:?}");
        }
    }

    // A piece takes up far more than its byte where each is kept by itself.
    #[tokio::test]
    async fn a_body_in_many_pieces_is_held_in_one() {
        let read = BufferedBody::read(sent(&["1", "", "2", "3", "4"], None), 3).await;
        let mut body = request(read).into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "1234");
    }

    #[tokio::test]
    async fn a_fault_decides_the_answer() {
        for (fault, expected) in [
            (Some(BodyFault::TooLarge), Code::ContentTooLarge),
            (Some(BodyFault::Stalled), Code::RequestTimeout),
            (None, Code::MalformedRequest),
        ] {
            let error = fault.map_or_else(|| io::Error::other("gone"), io::Error::other);
            match BufferedBody::read(sent(&["1"], Some(error)), 7).await {
                ReadOutcome::Failed(refusal) => assert_eq!(refusal.code(), expected),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn memory_counts_until_the_body_is_gone() {
        let budget = Budget::bytes(10);
        let read = whole(BufferedBody::read(sent(&["1234", "56"], None), 10).budget(&budget).await);
        assert_eq!(budget.left(), 4);
        match BufferedBody::read(sent(&["12345"], None), 10).budget(&budget).await {
            ReadOutcome::Failed(refusal) => assert_eq!(refusal.code(), Code::Overloaded),
            other => panic!("{other:?}"),
        }
        assert_eq!(budget.left(), 4);
        drop(read);
        assert_eq!(budget.left(), 10);
    }

    fn sent(pieces: &[&'static str], error: Option<io::Error>) -> Request<TestBody> {
        let (mut sender, body) = Channel::new(8);
        for piece in pieces {
            sender.try_send(http_body::Frame::data(Bytes::from_static(piece.as_bytes()))).unwrap();
        }
        match error {
            Some(error) => sender.abort(error),
            None => drop(sender),
        }
        Request::new(body)
    }

    fn request<B: fmt::Debug>(outcome: ReadOutcome<B>) -> Request<Body<B>> {
        match outcome {
            ReadOutcome::Whole(request) | ReadOutcome::TooLarge(request) => request,
            other @ ReadOutcome::Failed(_) => panic!("{other:?}"),
        }
    }

    fn whole<B: fmt::Debug>(outcome: ReadOutcome<B>) -> Request<Body<B>> {
        match outcome {
            ReadOutcome::Whole(request) => request,
            other => panic!("{other:?}"),
        }
    }

    async fn text<B>(request: Request<B>) -> Bytes
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: fmt::Debug,
    {
        request.into_body().collect().await.unwrap().to_bytes()
    }
}
