//! Closes a connection so that its last answer arrives.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::listen::Sequel;

pin_project! {
    /// A connection that, once it has said its last, reads for a moment what is still coming.
    ///
    /// Where a request is refused whose body has not been read, the answer is on its way while the
    /// client is still sending. Closed with bytes unread, TCP resets the connection, and the client
    /// may lose the answer that it has not read yet (RFC 9112 §9.6).
    pub(super) struct Lingering<I> {
        #[pin]
        io: I,
        sequel: Sequel,
        end: End,
    }
}

enum End {
    Open,
    Said { until: Pin<Box<Sleep>>, most: usize },
    Over,
}

impl<I> Lingering<I> {
    /// `io`, until it becomes what `sequel` says: that says by itself when it is over.
    pub(super) const fn new(io: I, sequel: Sequel) -> Self {
        Self { io, sequel, end: End::Open }
    }
}

impl<I: Read> Read for Lingering<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.project().io.poll_read(cx, buffer)
    }
}

impl<I: Read + Write> Write for Lingering<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().io.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().io.poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        loop {
            match this.end {
                End::Open => {
                    ready!(this.io.as_mut().poll_shutdown(cx))?;
                    *this.end = match this.sequel.is_set() {
                        true => End::Over,
                        false => {
                            End::Said { until: Box::pin(tokio::time::sleep(TIME)), most: MOST }
                        }
                    };
                }
                End::Said { until, most } => {
                    if until.as_mut().poll(cx).is_ready() {
                        *this.end = End::Over;
                        continue;
                    }
                    let mut scratch = [MaybeUninit::uninit(); SCRATCH];
                    let mut scratch = ReadBuf::uninit(&mut scratch);
                    let read = ready!(this.io.as_mut().poll_read(cx, scratch.unfilled()));
                    *most = most.saturating_sub(scratch.filled().len());
                    if read.is_err() || scratch.filled().is_empty() || *most == 0 {
                        *this.end = End::Over;
                    }
                }
                End::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}

const TIME: Duration = Duration::from_secs(2);
const MOST: usize = 16 << 20;
const SCRATCH: usize = 16 * 1024;
