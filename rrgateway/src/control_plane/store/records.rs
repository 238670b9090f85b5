//! Keeps the audit records as long as they are wanted: taken in batches, never in the way of what
//! they record.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::control_plane::store::error::StoreError;
use crate::control_plane::store::file::{self, Format};
use crate::control_plane::wire::record::record;
use crate::model::{Record, ReportsIn};

pub(crate) const RECORDS: Format = Format {
    name: "records.db",
    versions: &[
        "
        CREATE TABLE record (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            id       TEXT NOT NULL,
            client   TEXT NOT NULL,
            proxy    TEXT,
            status   INTEGER NOT NULL,
            code     TEXT NOT NULL,
            stage    TEXT,
            body     TEXT NOT NULL
        ) STRICT;
        CREATE INDEX record_id ON record (id);
        CREATE INDEX record_proxy ON record (proxy, position);
        ",
        "
        ALTER TABLE record ADD COLUMN received_ms INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE record ADD COLUMN duration_ms REAL NOT NULL DEFAULT 0;
        ALTER TABLE record ADD COLUMN credential TEXT;
        ALTER TABLE record ADD COLUMN method TEXT NOT NULL DEFAULT '';
        ALTER TABLE record ADD COLUMN path TEXT NOT NULL DEFAULT '';
        UPDATE record SET
            received_ms = CAST(round(unixepoch(body ->> '$.receivedAt', 'subsec') * 1000) AS INTEGER),
            duration_ms = body ->> '$.durationMs',
            credential  = body ->> '$.credentialId',
            method      = body ->> '$.method',
            path        = body ->> '$.path';
        CREATE INDEX record_received ON record (received_ms);
        CREATE INDEX record_credential ON record (credential, position)
            WHERE credential IS NOT NULL;
        CREATE INDEX record_stage ON record (stage, position) WHERE stage IS NOT NULL;
        ",
    ],
    // The last second may be lost with the power, not the file.
    synchronous: "NORMAL",
    // It grows with the traffic: checking it would hold up each start.
};

const MOST: usize = 1_024;
// A transaction costs more than a record: those that come soon after one share the next.
const GATHER: Duration = Duration::from_millis(20);
const MOST_SWEPT: usize = 1_000;
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Writes records until there are no more, or it is told to stop.
#[derive(Debug)]
pub(crate) struct Keeper {
    directory: PathBuf,
    /// `None` after a failure, until it has been opened anew.
    connection: Option<Connection>,
    lost: Arc<AtomicU64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    /// As many as were received.
    Keep(usize),
    /// What was received before this.
    Sweep(i64),
}

impl Keeper {
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        let connection = file::open(directory, RECORDS)?;
        let (directory, lost) = (directory.to_owned(), Arc::default());
        Ok(Self { directory, connection: Some(connection), lost })
    }

    /// How many records could not be kept.
    pub(crate) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// Runs until all senders are gone, or `stop` turns true; then what is waiting is kept too.
    /// Every hour, what was received before `oldest` is deleted (milliseconds since the Unix
    /// epoch).
    pub(crate) async fn run(
        mut self,
        mut reports: ReportsIn,
        mut stop: watch::Receiver<bool>,
        oldest: impl Fn() -> i64,
    ) {
        let mut sweeps = tokio::time::interval_at(Instant::now() + SWEEP, SWEEP);
        // What is too old at the start goes before anything new comes.
        let mut first = Some(Task::Sweep(oldest()));
        let (mut batch, mut next) = (Vec::new(), Instant::now());
        loop {
            let task = match first.take() {
                Some(task) => task,
                None => tokio::select! {
                    count = after(next, reports.receive(&mut batch, MOST)) => Task::Keep(count),
                    () = told(&mut stop) => Task::Keep(waiting(&mut reports, &mut batch).await),
                    _ = sweeps.tick() => Task::Sweep(oldest()),
                },
            };
            if task == Task::Keep(0) {
                break;
            }
            let done = tokio::task::spawn_blocking(move || {
                let more = match task {
                    Task::Keep(_) => self.keep(&batch),
                    Task::Sweep(before) => self.sweep(before),
                };
                batch.clear();
                (self, batch, more)
            });
            // The only way it can fail is a panic while writing, which nothing can be saved from.
            let Ok((keeper, emptied, more)) = done.await else { return };
            (self, batch) = (keeper, emptied);
            if more {
                sweeps.reset_immediately();
            }
            if task != Task::Keep(MOST) {
                next = Instant::now() + GATHER;
            }
        }
        _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    fn keep(&mut self, batch: &[Record]) -> bool {
        if let Err(error) = self.try_to_keep(batch) {
            self.connection = None;
            let count = batch.len() as u64;
            let lost = self.lost.fetch_add(count, Ordering::Relaxed) + count;
            tracing::error!(%error, count, lost, "audit records could not be kept");
        }
        false
    }

    fn try_to_keep(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        let path = self.directory.join(RECORDS.name);
        write(self.connection()?, batch).map_err(|why| StoreError::Database { path, why })
    }

    // Some of what is too old: whether there may be more. A record that waits comes first.
    fn sweep(&mut self, before: i64) -> bool {
        match self.try_to_sweep(before) {
            Ok(deleted) => deleted == MOST_SWEPT,
            Err(error) => {
                self.connection = None;
                tracing::error!(%error, "old audit records could not be deleted");
                false
            }
        }
    }

    fn try_to_sweep(&mut self, before: i64) -> Result<usize, StoreError> {
        let path = self.directory.join(RECORDS.name);
        let delete = format!(
            "DELETE FROM record WHERE position IN (SELECT position FROM record \
             WHERE received_ms < ? ORDER BY received_ms LIMIT {MOST_SWEPT})"
        );
        let deleted = self.connection()?.execute(&delete, [before]);
        deleted.map_err(|why| StoreError::Database { path, why })
    }

    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        Ok(match &mut self.connection {
            Some(it) => it,
            none @ None => none.insert(file::open(&self.directory, RECORDS)?),
        })
    }
}

async fn after<T>(time: Instant, then: impl Future<Output = T>) -> T {
    tokio::time::sleep_until(time).await;
    then.await
}

// Also when whoever could tell is gone.
async fn told(stop: &mut watch::Receiver<bool>) {
    _ = stop.wait_for(|it| *it).await;
}

// What has been sent and not received; nothing is waited for.
async fn waiting(reports: &mut ReportsIn, batch: &mut Vec<Record>) -> usize {
    tokio::time::timeout(Duration::ZERO, reports.receive(batch, MOST)).await.unwrap_or(0)
}

fn write(connection: &mut Connection, batch: &[Record]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut insert = transaction.prepare(
        "INSERT INTO record (id, client, proxy, status, code, stage, received_ms, duration_ms, \
         credential, method, path, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for it in batch {
        let body = serde_json::to_string(&record(it));
        let body = body.map_err(|it| rusqlite::Error::ToSqlConversionFailure(it.into()))?;
        insert.execute(params![
            it.id,
            it.client_id,
            it.proxy_id,
            it.status,
            it.code,
            it.stage,
            it.received_at_ms,
            it.duration_ms,
            it.credential_id,
            it.method,
            it.path,
            body
        ])?;
    }
    drop(insert);
    transaction.commit()
}
