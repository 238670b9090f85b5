//! Opens a database file: private, ours, whole, of a format that we know, used by one process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::control_plane::store::error::StoreError;

/// What a database file must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// The name of the file.
    pub(crate) name: &'static str,
    /// Each makes the next version of the tables of the one before; the first of nothing.
    pub(crate) versions: &'static [&'static str],
    /// `FULL` where an acknowledged write must survive the loss of power.
    pub(crate) synchronous: &'static str,
}

/// Keeps other processes out until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the directory if there is none, and takes it.
    pub(crate) fn take(directory: &Path) -> Result<Self, StoreError> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(StoreError::file(directory))?;
        let path = directory.join("control.lock");
        let file = private(&path).map_err(StoreError::file(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path }),
            Err(TryLockError::Error(why)) => Err(StoreError::File { path, why }),
        }
    }
}

/// Opens the file of `format` in `directory` for writing, made now if there is none.
pub(crate) fn open(directory: &Path, format: Format) -> Result<Connection, StoreError> {
    let path = path(directory, format)?;
    private(&path).map_err(StoreError::file(&path))?;
    let database = database(&path);
    let connection = Connection::open_with_flags(&path, flags(true)).map_err(&database)?;
    let prepared = prepare(&connection, &path, format);
    prepared.map(|()| connection)
}

/// Opens the file of `format` in `directory` for reading only. It must be there.
pub(crate) fn open_reader(directory: &Path, format: Format) -> Result<Connection, StoreError> {
    let path = path(directory, format)?;
    let database = database(&path);
    let connection = Connection::open_with_flags(&path, flags(false)).map_err(&database)?;
    connection.busy_timeout(BUSY).map_err(&database)?;
    Ok(connection)
}

/// Opens the file of `format` in `directory` to read it from one end to the other: no page of it is
/// asked for twice, so that few are kept.
pub(crate) fn open_once(directory: &Path, format: Format) -> Result<Connection, StoreError> {
    let connection = open_reader(directory, format)?;
    let kept = connection.pragma_update(None, "cache_size", -256);
    kept.map_err(database(&path(directory, format)?))?;
    Ok(connection)
}

fn prepare(connection: &Connection, path: &Path, format: Format) -> Result<(), StoreError> {
    let database = database(path);
    connection.busy_timeout(BUSY).map_err(&database)?;
    // The first read finds out whether this is a database at all.
    let version: i64 = pragma(connection, "user_version").map_err(&database)?;
    let owner: i64 = pragma(connection, "application_id").map_err(&database)?;
    let is_empty = is_empty(connection).map_err(&database)?;
    if !is_empty && owner != OURS {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let known = i64::try_from(format.versions.len()).unwrap_or(i64::MAX);
    if version > known {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known });
    }
    let synchronous = format.synchronous;
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;"
        ))
        .map_err(&database)?;
    // What has tables and no version was left half made, or is not ours; an empty one is new.
    let from = usize::try_from(version).unwrap_or(0);
    let steps = format.versions.get(from..).unwrap_or_default().concat();
    if !steps.is_empty() {
        // All of it or nothing: a file that is half made is an empty one.
        let made = connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {steps} PRAGMA application_id = {OURS}; \
             PRAGMA user_version = {known}; COMMIT;"
        ));
        made.map_err(&database)?;
    }
    Ok(())
}

/// Whether the file of `format` in `directory` is whole, as far as its pages tell.
pub(crate) fn check(directory: &Path, format: Format) -> Result<(), StoreError> {
    let connection = open_once(directory, format)?;
    let path = path(directory, format)?;
    let verdict: Result<String, _> =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match verdict.map_err(database(&path))?.as_str() {
        "ok" => Ok(()),
        what => Err(StoreError::Damaged { path, what: what.to_owned() }),
    }
}

// Not by its pages: a start that was interrupted may have left some.
fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let query = "SELECT count(*) = 0 FROM sqlite_schema";
    connection.query_row(query, [], |row| row.get(0))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

// Links are followed up to the directory, and not beyond: nobody may put one in our place.
fn path(directory: &Path, format: Format) -> Result<PathBuf, StoreError> {
    let directory = directory.canonicalize().map_err(StoreError::file(directory))?;
    Ok(directory.join(format.name))
}

fn flags(write: bool) -> OpenFlags {
    let access =
        if write { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

// For the owner's eyes only. SQLite gives its other files the mode of this one.
fn private(path: &Path) -> std::io::Result<File> {
    let is_link = path.symlink_metadata().is_ok_and(|it| it.is_symlink());
    if is_link {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "this is a symbolic link"));
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// An error of the database at `path`.
pub(crate) fn database(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    move |why| StoreError::Database { path: path.clone(), why }
}

const BUSY: Duration = Duration::from_secs(2);
/// `rrcp` in ASCII.
const OURS: i64 = 0x7272_6370;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const FORMAT: Format = Format {
        name: "it.db",
        versions: &["CREATE TABLE it (n INTEGER) STRICT;"],
        synchronous: "FULL",
    };

    #[test]
    fn a_file_opens_again_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        open(directory.path(), FORMAT).unwrap().execute("INSERT INTO it VALUES (7)", []).unwrap();
        let again = open(directory.path(), FORMAT).unwrap();
        assert_eq!(again.query_row("SELECT n FROM it", [], |row| row.get(0)), Ok(7));
        let mode = directory.path().join("it.db").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_an_older_gateway_wrote_is_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        open(directory.path(), FORMAT).unwrap().execute("INSERT INTO it VALUES (7)", []).unwrap();
        let newer = Format {
            versions: &[
                "CREATE TABLE it (n INTEGER) STRICT;",
                "ALTER TABLE it ADD COLUMN m INTEGER; UPDATE it SET m = n + 1;",
            ],
            ..FORMAT
        };
        for _ in 0..2 {
            let now = open(directory.path(), newer).unwrap();
            assert_eq!(now.query_row("SELECT m FROM it", [], |row| row.get(0)), Ok(8));
        }
        refused(directory.path(), "written by a newer gateway (format 2, this one reads up to 1)");
    }

    #[test]
    fn what_is_not_ours_is_refused_with_the_reason() {
        let directory = tempfile::tempdir().unwrap();
        open(directory.path(), FORMAT).unwrap().pragma_update(None, "user_version", 2).unwrap();
        refused(directory.path(), "written by a newer gateway (format 2, this one reads up to 1)");
        let change = |id: i64| {
            let path = directory.path().join("it.db");
            Connection::open(path).unwrap().pragma_update(None, "application_id", id).unwrap();
        };
        change(1);
        refused(directory.path(), "this is not a database of this gateway");
        std::fs::write(directory.path().join("it.db"), "nonsense".repeat(1_000)).unwrap();
        refused(directory.path(), "not a database");
        std::fs::remove_file(directory.path().join("it.db")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", directory.path().join("it.db")).unwrap();
        refused(directory.path(), "this is a symbolic link");
    }

    #[test]
    fn a_second_process_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let lock = Lock::take(directory.path()).unwrap();
        let said = Lock::take(directory.path()).unwrap_err().to_string();
        assert!(said.ends_with("another process uses this data directory"), "{said}");
        drop(lock);
        assert!(Lock::take(directory.path()).is_ok());
    }

    #[track_caller]
    fn refused(directory: &Path, expected: &str) {
        let said = open(directory, FORMAT).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}
