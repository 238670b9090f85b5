//! Gives up on a client that takes nothing more of what it is sent.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

pin_project! {
    /// A connection that ends with an error when its other end takes not a byte for so long: what it
    /// holds, an upstream's connection among it, is not its to keep.
    pub(super) struct Writing<I> {
        #[pin]
        io: I,
        limit: Duration,
        // Until when it may last, while it takes nothing.
        stall: Option<Pin<Box<Sleep>>>,
    }
}

impl<I> Writing<I> {
    /// `io`, for as long as its other end takes something within each `limit`.
    pub(super) const fn new(io: I, limit: Duration) -> Self {
        Self { io, limit, stall: None }
    }
}

fn judge<T>(
    stall: &mut Option<Pin<Box<Sleep>>>,
    limit: Duration,
    polled: Poll<io::Result<T>>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    if polled.is_ready() {
        *stall = None;
        return polled;
    }
    let stall = stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
    ready!(stall.as_mut().poll(cx));
    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing more")))
}

impl<I: Read> Read for Writing<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.project().io.poll_read(cx, buffer)
    }
}

impl<I: Write> Write for Writing<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let polled = this.io.poll_write(cx, bytes);
        judge(this.stall, *this.limit, polled, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let polled = this.io.poll_write_vectored(cx, pieces);
        judge(this.stall, *this.limit, polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let polled = this.io.poll_flush(cx);
        judge(this.stall, *this.limit, polled, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let polled = this.io.poll_shutdown(cx);
        judge(this.stall, *this.limit, polled, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper_util::rt::TokioIo;
    use std::future::poll_fn;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn who_takes_nothing_is_given_up_and_who_takes_slowly_is_not() {
        let (ours, mut theirs) = tokio::io::duplex(4);
        let mut writing = Writing::new(TokioIo::new(ours), Duration::from_millis(300));
        let mut pauses = tokio::time::interval(Duration::from_millis(100));
        let slow = async {
            let mut byte = [0; 2];
            for _ in 0..8 {
                pauses.tick().await;
                theirs.read_exact(&mut byte).await.unwrap();
            }
        };
        let write = async {
            let mut written = 0;
            while written < 20 {
                written += put(&mut writing).await.unwrap();
            }
        };
        tokio::join!(slow, write);
        let error = put(&mut writing).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    async fn put<I: Write + Unpin>(writing: &mut I) -> io::Result<usize> {
        poll_fn(|cx| Pin::new(&mut *writing).poll_write(cx, b"xy")).await
    }
}
