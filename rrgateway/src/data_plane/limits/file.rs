//! The file of what was spent by day and month: made, checked, read, tidied.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rratelimit::{Key, Record, Seed};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::data_plane::limits::names::Named;

/// Its name in the data directory.
pub const NAME: &str = "counters.db";

/// What an operator can do about a file that cannot be used.
pub const ADVICE: &str = "move it away to start with nothing spent";

/// Opens it in `directory`, or makes it: for this user alone, as the names of keys are in it.
pub fn open(directory: &Path) -> anyhow::Result<Connection> {
    let path = directory.join(NAME);
    let cannot = || format!("{} cannot be opened", path.display());
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    drop(options.open(&path).with_context(cannot)?);
    let connection = Connection::open(&path).with_context(cannot)?;
    prepare(&connection).with_context(|| format!("{} is damaged: {ADVICE}", path.display()))?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> anyhow::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    ensure!((0..=VERSION).contains(&version), "it is of a newer gateway");
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    ensure!(verdict == "ok", "{verdict}");
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    if version < VERSION {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
    }
    Ok(())
}

/// The seed under which its keys are; the first time, the one of `make`.
pub fn seed(connection: &Connection, make: impl FnOnce() -> Seed) -> anyhow::Result<Seed> {
    let stored: Option<Vec<u8>> =
        connection.query_row("SELECT bytes FROM seed", [], |row| row.get(0)).optional()?;
    match stored {
        Some(bytes) => match <[u8; 16]>::try_from(bytes) {
            Ok(bytes) => Ok(Seed::new(bytes)),
            Err(_) => bail!("its seed is none: {ADVICE}"),
        },
        None => {
            let seed = make();
            connection
                .execute("INSERT INTO seed (one, bytes) VALUES (1, ?)", params![seed.to_bytes()])?;
            Ok(seed)
        }
    }
}

/// Takes out what is long over, and the names of what nobody counts any more.
pub fn tidy(connection: &Connection, wall: Duration) -> anyhow::Result<()> {
    connection.execute(EXPIRE, params![millis(wall.saturating_sub(MARGIN))])?;
    connection
        .execute("DELETE FROM name WHERE key NOT IN (SELECT substr(id, 1, 16) FROM count)", [])?;
    Ok(())
}

/// Takes out what is long over.
pub fn expire(transaction: &Transaction<'_>, wall: Duration) -> rusqlite::Result<()> {
    transaction.prepare(EXPIRE)?.execute(params![millis(wall.saturating_sub(MARGIN))]).map(drop)
}

/// What was spent.
pub fn stored_records(connection: &Connection) -> anyhow::Result<Vec<Record>> {
    let mut rows = connection.prepare("SELECT id, value FROM count")?;
    let rows =
        rows.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let record = |row: rusqlite::Result<(Vec<u8>, Vec<u8>)>| {
        let (id, value) = row?;
        Record::parse(&id, &value).context("a count in it is none")
    };
    rows.map(record).collect()
}

/// What keys are called.
pub fn stored_names(connection: &Connection) -> anyhow::Result<Vec<Named>> {
    let mut rows = connection.prepare("SELECT key, meter, since, name FROM name")?;
    let rows = rows.query_map([], |row| {
        let since: i64 = row.get(2)?;
        let (meter, name): (String, String) = (row.get(1)?, row.get(3)?);
        Ok(Named {
            key: Key::from_bytes(row.get(0)?),
            meter: meter.into(),
            since: u64::try_from(since).unwrap_or(0),
            name: name.into(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// As the file has times.
pub fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// By so much a clock may be ahead, for a while or at the start, and nothing is lost: what is over by
/// such a clock is not restored, and is still there when the clock is right.
const MARGIN: Duration = Duration::from_secs(2 * 86_400);
const VERSION: i64 = 1;
const TABLES: &str = "
    CREATE TABLE seed (
        one         INTEGER PRIMARY KEY CHECK (one = 1),
        bytes       BLOB NOT NULL
    ) STRICT;
    CREATE TABLE count (
        id          BLOB PRIMARY KEY,
        value       BLOB NOT NULL,
        expires_ms  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX count_expires ON count (expires_ms);
    CREATE TABLE name (
        key         BLOB NOT NULL,
        meter       TEXT NOT NULL,
        since       INTEGER NOT NULL,
        name        TEXT NOT NULL,
        PRIMARY KEY (key, meter, since)
    ) STRICT, WITHOUT ROWID;
";
const EXPIRE: &str = "DELETE FROM count WHERE expires_ms <= ?";
