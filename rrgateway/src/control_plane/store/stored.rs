//! The configuration in its file: checked and read whole, by several threads at once.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::control_plane::config::binding;
use crate::control_plane::config::resource::{Collection, Key, Kind, Resource, Spec};
use crate::control_plane::config::snapshot::{Config, Snapshot};
use crate::control_plane::store::disk::CONTROL;
use crate::control_plane::store::error::StoreError;
use crate::control_plane::store::file;
use crate::model::Digest;

/// What opening the file yields.
pub(crate) struct Opened<T> {
    pub(crate) connection: Connection,
    /// What was made of the last revision, and that; `None` before the first.
    pub(crate) last: Option<(T, Snapshot)>,
}

/// Opens the file in `directory`, made now if there is none, and reads the last revision, of which
/// `make` makes something.
///
/// That the file is whole is found out meanwhile, and nothing of a damaged one is given out: with
/// many resources, to check it takes as long as a good part of reading it.
pub(crate) fn open<T>(
    directory: &Path,
    make: impl FnOnce(&Snapshot) -> T,
) -> Result<Opened<T>, StoreError> {
    let connection = file::open(directory, CONTROL)?;
    let path = &directory.join(CONTROL.name);
    let database = &file::database(path);
    let middle = middle(&connection);
    let half = middle.as_ref().map_or(0, |it| *it);
    thread::scope(|scope| {
        let (give, newer) = mpsc::sync_channel(1);
        // Two threads that have about as much to do: one reads a half and checks, the other reads
        // a half and makes.
        let beside = thread::Builder::new().name("control-reader".to_owned());
        let checked = beside.spawn_scoped(scope, move || {
            let newer = file::open_once(directory, CONTROL)
                .and_then(|it| rows(&it, half, i64::MAX).map_err(|it| it.of(path)));
            // Who takes it is in this scope.
            _ = give.send(newer);
            file::check(directory, CONTROL)
        });
        let checked = checked.map_err(StoreError::file(path))?;
        let older = file::open_once(directory, CONTROL)
            .and_then(|it| rows(&it, i64::MIN, half).map_err(|it| it.of(path)));
        // It is sent, or its sender has panicked: then so does this.
        let newer = newer.recv();
        let last = middle.map_err(database).and_then(|_| {
            let mut config = older?;
            newer.into_iter().try_for_each(|it| it.map(|it| config.absorb(it)))?;
            load(&connection, config).map_err(database)
        });
        let last = last.map(|it| it.map(|it| (make(&it), it)));
        // Of what a damaged file reads like, nothing is told but that it is damaged.
        checked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Opened { connection, last: last? })
    })
}

/// Why a row could not be read.
enum Unread {
    Database(rusqlite::Error),
    /// It is there, and is not what its kind must be.
    Spoilt {
        key: Key,
        why: serde_json::Error,
    },
}

impl Unread {
    // `path` is that of the file.
    fn of(self, path: &Path) -> StoreError {
        match self {
            Self::Database(why) => file::database(path)(why),
            Self::Spoilt { key, why } => {
                let what = format!("what is stored of {key} cannot be read: {why}");
                StoreError::Damaged { path: path.to_owned(), what }
            }
        }
    }
}

impl From<rusqlite::Error> for Unread {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

fn load(connection: &Connection, config: Config) -> rusqlite::Result<Option<Snapshot>> {
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
                    config,
                })
            },
        )
        .optional()?;
    let Some(mut snapshot) = last else { return Ok(None) };
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

// The half of the rows has been made up to there, or a little more or less.
fn middle(connection: &Connection) -> rusqlite::Result<i64> {
    // Asked for one by one: together, all rows would be looked at.
    let query = "SELECT coalesce(((SELECT min(created_in) FROM resource) \
                 + (SELECT max(created_in) FROM resource)) / 2, 0)";
    connection.query_row(query, [], |row| row.get(0))
}

// Those that were made after `from`, up to `to`.
fn rows(connection: &Connection, from: i64, to: i64) -> Result<Config, Unread> {
    let mut statement = connection.prepare(
        "SELECT kind, parent_kind, parent_id, id, created_in, changed_in, created_ms, updated_ms, \
         spec FROM resource WHERE created_in > ? AND created_in <= ? ORDER BY created_in",
    )?;
    let mut rows = statement.query([from, to])?;
    let mut config = Config::default();
    // Most were made one after the other in the same collection: that is looked for once.
    let (mut collection, mut run) = (Collection::top(Kind::Configuration), Vec::new());
    while let Some(row) = rows.next()? {
        if let Some(next) = other_collection(row, &collection)? {
            config.insert_all(&std::mem::replace(&mut collection, next), std::mem::take(&mut run));
        }
        run.push(Arc::new(resource(row, &collection)?));
    }
    config.insert_all(&collection, run);
    // Here, where the other half does the same meanwhile.
    config.digest_contents();
    Ok(config)
}

// The collection that it stands in, unless that is `known`.
fn other_collection(row: &Row<'_>, known: &Collection) -> rusqlite::Result<Option<Collection>> {
    let (parent_kind, parent_id) = match &known.parent {
        Some((kind, id)) => (kind.word(), &**id),
        None => ("", ""),
    };
    let stored = [row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?];
    if stored == [known.kind.word(), parent_kind, parent_id].map(|it| ValueRef::Text(it.as_bytes()))
    {
        return Ok(None);
    }
    let parent = match row.get_ref(1)?.as_str()? {
        "" => None,
        _ => Some((kind(row, 1)?, row.get_ref(2)?.as_str()?.into())),
    };
    Ok(Some(Collection { kind: kind(row, 0)?, parent }))
}

fn resource(row: &Row<'_>, collection: &Collection) -> Result<Resource, Unread> {
    let text = row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?;
    let key = collection.key(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?);
    let spec = match Spec::from_json(collection.kind, text) {
        Ok(spec) => spec,
        Err(why) => return Err(Unread::Spoilt { key, why }),
    };
    Ok(Resource {
        // Of the text as it is: writing it out anew would take longer than reading it.
        content: Spec::digest_of_stored(text),
        created_in: counted(row, 4)?,
        changed_in: counted(row, 5)?,
        created_ms: row.get(6)?,
        updated_ms: row.get(7)?,
        key,
        spec,
    })
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
