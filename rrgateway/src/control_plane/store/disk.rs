//! The configuration in its file: its tables, written one revision at a time.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, params};

use crate::control_plane::config::activity::Activity;
use crate::control_plane::config::resource::{Key, Resource};
use crate::control_plane::config::snapshot::Snapshot;
use crate::control_plane::store::file::Format;

pub(crate) const CONTROL: Format = Format {
    name: "control.db",
    versions: &[
        "
        CREATE TABLE resource (
            created_in  INTEGER PRIMARY KEY,
            kind        TEXT NOT NULL,
            parent_kind TEXT NOT NULL,
            parent_id   TEXT NOT NULL,
            id          TEXT NOT NULL,
            changed_in  INTEGER NOT NULL,
            created_ms  INTEGER NOT NULL,
            updated_ms  INTEGER NOT NULL,
            spec        TEXT NOT NULL,
            UNIQUE (kind, parent_kind, parent_id, id)
        ) STRICT;
        CREATE TABLE revision (
            number      INTEGER PRIMARY KEY,
            digest      BLOB NOT NULL,
            author      TEXT NOT NULL,
            created_ms  INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE owner (
            one         INTEGER PRIMARY KEY CHECK (one = 1),
            digest      BLOB NOT NULL
        ) STRICT;
        ",
        "
        CREATE TABLE secret (
            credential  TEXT PRIMARY KEY,
            version     INTEGER NOT NULL
        ) STRICT;
        INSERT INTO secret
            SELECT id, spec ->> '$.secret.version' FROM resource
            WHERE kind = 'credential' AND spec ->> '$.secret.version' IS NOT NULL;
        CREATE TABLE activity (
            position    INTEGER PRIMARY KEY,
            at_ms       INTEGER NOT NULL,
            action      TEXT NOT NULL,
            kind        TEXT NOT NULL,
            resource    TEXT NOT NULL,
            body        TEXT NOT NULL
        ) STRICT;
        CREATE INDEX activity_resource ON activity (resource, position);
        ",
        // Rules without what goes without saying: there is no member `none`.
        "
        UPDATE resource SET spec = json_remove(spec,
            iif(spec -> '$.body' = '[]', '$.body', '$.none'),
            iif(spec -> '$.headers' = '[]', '$.headers', '$.none'),
            iif(spec -> '$.query' = '[]', '$.query', '$.none'),
            iif(spec -> '$.methods' = 'null', '$.methods', '$.none'),
            iif(spec -> '$.notes' = 'null', '$.notes', '$.none'),
            iif(spec -> '$.path' = 'null', '$.path', '$.none'),
            iif(spec -> '$.mode' = '\"enforce\"', '$.mode', '$.none'))
        WHERE kind = 'rule';
        ",
    ],
    synchronous: "FULL",
};

/// What one revision changed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changed<'a> {
    pub(crate) written: &'a [Arc<Resource>],
    pub(crate) gone: &'a [Key],
    /// What is written down of it.
    pub(crate) activity: Option<&'a Activity>,
}

/// Writes what `revision` changed.
pub(crate) fn write(
    transaction: &Transaction<'_>,
    revision: &Snapshot,
    changed: Changed<'_>,
) -> rusqlite::Result<()> {
    for key in changed.gone {
        let (parent_kind, parent_id) = parent(key);
        transaction.execute(
            "DELETE FROM resource WHERE kind = ? AND parent_kind = ? AND parent_id = ? AND id = ?",
            params![key.collection.kind.word(), parent_kind, parent_id, key.id],
        )?;
    }
    for it in changed.written {
        put(transaction, it)?;
    }
    if let Some(it) = changed.activity {
        note(transaction, it)?;
    }
    transaction.execute(
        "INSERT INTO revision (number, digest, author, created_ms) VALUES (?, ?, ?, ?)",
        params![count(revision.number), revision.digest.0, revision.author, revision.created_ms],
    )?;
    Ok(())
}

fn put(transaction: &Transaction<'_>, it: &Resource) -> rusqlite::Result<()> {
    let (parent_kind, parent_id) = parent(&it.key);
    transaction.execute(
        "INSERT OR REPLACE INTO resource (kind, parent_kind, parent_id, id, created_in, \
         changed_in, created_ms, updated_ms, spec) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            it.key.collection.kind.word(),
            parent_kind,
            parent_id,
            it.key.id,
            count(it.created_in),
            count(it.changed_in),
            it.created_ms,
            it.updated_ms,
            it.spec.to_stored(),
        ],
    )?;
    if let Some(version) = it.spec.secret_version() {
        transaction.execute(
            "INSERT OR REPLACE INTO secret (credential, version) VALUES (?, ?)",
            params![it.key.id, version],
        )?;
    }
    Ok(())
}

/// Writes `activity` down, as the last so far.
pub(crate) fn note(connection: &Connection, activity: &Activity) -> rusqlite::Result<()> {
    let Activity { action, kind, id, at_ms, body } = activity;
    // Not under the number of the revision: a change of the master key makes none.
    connection.execute(
        "INSERT INTO activity (position, at_ms, action, kind, resource, body) \
         SELECT coalesce(max(position), 0) + 1, ?, ?, ?, ?, ? FROM activity",
        params![at_ms, action.word(), kind, id, body.to_string()],
    )?;
    Ok(())
}

fn parent(key: &Key) -> (&str, &str) {
    match &key.collection.parent {
        Some((kind, id)) => (kind.word(), id),
        None => ("", ""),
    }
}

// SQLite counts with a sign. No count gets near it.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
