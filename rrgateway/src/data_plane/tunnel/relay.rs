//! Bytes, both ways, until either end has enough or it is ended.

use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::try_join;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rrfilter::FrameShield;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::data_plane::exchange::Progress;
use crate::data_plane::record::{EARLY, LAPSED, Recorded};
use crate::data_plane::tenure::{self, Watch};

/// What joins two connections.
#[derive(Debug)]
pub struct Relay {
    /// The record, and with it what the request holds until its end.
    pub recorded: Recorded,
    /// Masks what was injected in what the upstream sends.
    pub shield: Option<FrameShield>,
    /// How long both may say nothing.
    pub idle: Duration,
    /// Where the caller's bytes are counted.
    pub progress: Arc<Progress>,
}

impl Relay {
    /// Runs until it ends.
    pub async fn run(mut self, client: OnUpgrade, upstream: OnUpgrade) {
        if let Err(error) = self.join(client, upstream).await {
            let is_lapsed = matches!(error, Early::Tenure);
            self.recorded.failed(if is_lapsed { LAPSED } else { EARLY });
            tracing::debug!(%error, "a tunnel ended early");
        }
    }

    async fn join(&mut self, client: OnUpgrade, upstream: OnUpgrade) -> Result<(), Early> {
        let (client, upstream) = try_join(client, upstream).await.map_err(Early::Upgrade)?;
        let (from_client, to_client) = tokio::io::split(TokioIo::new(client));
        let (from_upstream, to_upstream) = tokio::io::split(TokioIo::new(upstream));
        let (watch, received) = self.recorded.tunnel();
        let activity = Activity::begin();
        let sent = &self.progress.bytes;
        let up = pump(from_client, to_upstream, &activity, None, |bytes| {
            sent.fetch_add(bytes, Ordering::Relaxed);
        });
        let down = pump(from_upstream, to_client, &activity, self.shield.as_mut(), |bytes| {
            *received += bytes;
        });
        tokio::select! {
            done = try_join(up, down) => done.map(|_| ()),
            () = ended(watch) => Err(Early::Tenure),
            () = activity.idled(self.idle) => Err(Early::Idle),
        }
    }
}

// One way. Its end is passed on, and the other way goes on to its own.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    activity: &Activity,
    mut shield: Option<&mut FrameShield>,
    mut count: impl FnMut(u64),
) -> Result<(), Early> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = from.read(&mut buffer).await.map_err(Early::Broken)?;
        let read = buffer.get(..len).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        activity.note();
        count(read.len() as u64);
        let written = match &mut shield {
            Some(shield) => {
                let masked = shield.push(read).map_err(|_| Early::Frames)?;
                to.write_all(&masked).await
            }
            None => to.write_all(read).await,
        };
        written.map_err(Early::Broken)?;
        // TLS keeps what is written until it is told.
        to.flush().await.map_err(Early::Broken)?;
    }
    if let Some(shield) = shield {
        to.write_all(&shield.finish()).await.map_err(Early::Broken)?;
    }
    to.shutdown().await.map_err(Early::Broken)
}

fn ended(watch: &mut Watch) -> impl Future<Output = ()> {
    poll_fn(|cx| if watch.poll_ended(cx, true) { Poll::Ready(()) } else { Poll::Pending })
}

/// When something was last said.
struct Activity {
    begun: Instant,
    // Milliseconds since then.
    last: AtomicU64,
}

impl Activity {
    fn begin() -> Self {
        Self { begun: Instant::now(), last: AtomicU64::new(0) }
    }

    fn note(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    // Waits until nothing has been said for so long.
    async fn idled(&self, idle: Duration) {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let until = self.begun + last + idle;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

/// Why a tunnel ended before both ends had closed it.
#[derive(Debug, thiserror::Error)]
enum Early {
    #[error("a connection could not be taken over: {0}")]
    Upgrade(hyper::Error),
    #[error("a connection broke: {0}")]
    Broken(io::Error),
    #[error("what the upstream sent are no frames of WebSocket")]
    Frames,
    #[error("{}", tenure::Ended)]
    Tenure,
    #[error("both ends were silent for too long")]
    Idle,
}

const BUFFER: usize = 16 * 1024;
