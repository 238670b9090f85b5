//! The configuration in its file: read whole, written one revision at a time.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::control_plane::config::activity::Activity;
use crate::control_plane::config::binding;
use crate::control_plane::config::resource::{Collection, Digests, Key, Kind, Resource, Spec};
use crate::control_plane::config::snapshot::{Config, Snapshot};
use crate::control_plane::store::file::Format;
use crate::model::Digest;

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
    ],
    synchronous: "FULL",
    check: true,
};

/// The last revision; `None` before the first.
pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Option<Snapshot>> {
    let last = connection
        .query_row(
            "SELECT number, digest, author, created_ms FROM revision ORDER BY number DESC LIMIT 1",
            [],
            |row| {
                Ok(Snapshot {
                    number: counted(row, 0)?,
                    digest: Digest(row.get(1)?),
                    author: row.get::<_, String>(2)?.into(),
                    created_ms: row.get(3)?,
                    config: Config::default(),
                })
            },
        )
        .optional()?;
    let Some(mut snapshot) = last else { return Ok(None) };
    let mut rows = connection.prepare(
        "SELECT kind, parent_kind, parent_id, id, created_in, changed_in, created_ms, updated_ms, \
         spec FROM resource ORDER BY created_in",
    )?;
    for resource in rows.query_map([], resource)? {
        snapshot.config.insert(Arc::new(resource?));
    }
    snapshot.config.ensure_configuration(first_ms(connection)?);
    binding::adopt(&mut snapshot.config);
    let mut secrets = connection.prepare("SELECT credential, version FROM secret")?;
    for known in secrets.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))? {
        let (id, version) = known?;
        snapshot.config.know_version(&id.into(), version);
    }
    Ok(Some(snapshot))
}

// When the first revision was made.
fn first_ms(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT min(created_ms) FROM revision", [], |row| row.get(0))
}

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
        note(transaction, revision.number, it)?;
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
            it.spec.to_json().to_string(),
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

fn note(transaction: &Transaction<'_>, number: u64, it: &Activity) -> rusqlite::Result<()> {
    let Activity { action, key, at_ms, body } = it;
    transaction.execute(
        "INSERT INTO activity (position, at_ms, action, kind, resource, body) \
         VALUES (?, ?, ?, ?, ?, ?)",
        params![
            count(number),
            at_ms,
            action.word(),
            key.collection.kind.word(),
            key.id,
            body.to_string(),
        ],
    )?;
    Ok(())
}

fn parent(key: &Key) -> (&str, &str) {
    match &key.collection.parent {
        Some((kind, id)) => (kind.word(), id),
        None => ("", ""),
    }
}

fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
    let kind = kind(row, 0)?;
    let parent = match row.get_ref(1)?.as_str()? {
        "" => None,
        _ => Some((self::kind(row, 1)?, Arc::from(row.get_ref(2)?.as_str()?))),
    };
    let key = Collection { kind, parent }.key(row.get_ref(3)?.as_str()?);
    let text = row.get_ref(8)?.as_str()?;
    let spec = Spec::from_json(kind, text).map_err(|it| unreadable(8, it))?;
    Ok(Resource {
        // Of the text as it is: writing it out anew would take longer than reading it.
        digests: Digests::of_text(text),
        created_in: counted(row, 4)?,
        changed_in: counted(row, 5)?,
        created_ms: row.get(6)?,
        updated_ms: row.get(7)?,
        key,
        spec,
    })
}

// SQLite counts with a sign. No count gets near it.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn counted(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| unreadable(column, "a count is negative"))
}

fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    let word = row.get_ref(column)?.as_str()?;
    Kind::of_word(word).ok_or_else(|| unreadable(column, format!("no kind is named `{word}`")))
}

fn unreadable(
    column: usize,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
}
