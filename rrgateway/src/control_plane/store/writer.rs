//! The one writer: a thread that owns the configuration's file and everything made from it.

use std::sync::Arc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};

use crate::control_plane::config::activity::Origin;
use crate::control_plane::config::change::Change;
use crate::control_plane::config::snapshot::Snapshot;
use crate::control_plane::store::revise::Reviser;
use crate::control_plane::store::written::{WriteError, Written};
use crate::model::Rotated;

/// Sends writes to the thread, and reads what is current without it.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    commands: mpsc::Sender<Command>,
    current: Arc<ArcSwap<Snapshot>>,
}

enum Command {
    Write {
        change: Box<Change>,
        origin: Origin,
        reply: oneshot::Sender<Result<Written, WriteError>>,
    },
    /// The vault has got another master key.
    Note {
        rotated: Rotated,
        origin: Origin,
        reply: oneshot::Sender<Result<(), WriteError>>,
    },
    /// The data plane serves this revision, or a newer one.
    Served(u64),
    Stop,
}

impl Writer {
    /// Starts the thread. It ends after [`Writer::stop`], or when all clones are gone.
    pub(crate) fn start(reviser: Reviser) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (commands, inbox) = mpsc::channel(64);
        let current = reviser.current();
        let thread = std::thread::Builder::new()
            .name("control-writer".to_owned())
            .spawn(move || serve(reviser, inbox))?;
        Ok((Self { commands, current }, thread))
    }

    /// The configuration as of the last write.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Makes `change` a revision. It is done even if nobody waits for the answer.
    pub(crate) async fn write(
        &self,
        change: Change,
        origin: Origin,
    ) -> Result<Written, WriteError> {
        let (reply, answer) = oneshot::channel();
        let change = Box::new(change);
        let sent = self.commands.send(Command::Write { change, origin, reply }).await;
        sent.map_err(|_| WriteError::Unavailable)?;
        answer.await.unwrap_or(Err(WriteError::Unavailable))
    }

    /// Writes down that the vault has got another master key: no revision is made of it.
    pub(crate) async fn note(&self, rotated: Rotated, origin: Origin) -> Result<(), WriteError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.commands.send(Command::Note { rotated, origin, reply }).await;
        sent.map_err(|_| WriteError::Unavailable)?;
        answer.await.unwrap_or(Err(WriteError::Unavailable))
    }

    /// Says that revision `number` is served, so that secrets only older ones name may go.
    pub(crate) async fn served(&self, number: u64) {
        // When the thread is gone, the vault keeps them: nothing is lost.
        _ = self.commands.send(Command::Served(number)).await;
    }

    /// Lets the thread end, after what it has been told before.
    pub(crate) async fn stop(&self) {
        _ = self.commands.send(Command::Stop).await;
    }
}

// Takes what it works on: with it goes the connection, when the thread ends.
fn serve(mut reviser: Reviser, mut inbox: mpsc::Receiver<Command>) {
    while let Some(command) = inbox.blocking_recv() {
        match command {
            Command::Write { change, origin, reply } => {
                // Nobody may be waiting any more; the write counts all the same.
                _ = reply.send(reviser.write(*change, &origin));
            }
            Command::Note { rotated, origin, reply } => {
                _ = reply.send(reviser.note(&rotated, &origin));
            }
            Command::Served(number) => reviser.forget_unnamed(number),
            Command::Stop => break,
        }
    }
    reviser.close();
}
