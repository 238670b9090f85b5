//! Why the store could not be opened or used.

use std::path::PathBuf;

/// Why the store could not be used. For the operator; clients are told only that it is so. What
/// caused it is in its text, and not beside it, where it would be told again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: std::io::Error },
    #[error("{}: another process uses this data directory", path.display())]
    Locked { path: PathBuf },
    #[error("{}: {why}", path.display())]
    Database { path: PathBuf, why: rusqlite::Error },
    #[error("{}: this is not a database of this gateway", path.display())]
    Foreign { path: PathBuf },
    #[error(
        "{}: written by a newer gateway (format {found}, this one reads up to {known}): \
         run that one, or restore a backup", path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{}: damaged: {what}; restore a backup", path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("{}: opening was interrupted", path.display())]
    Interrupted { path: PathBuf },
    #[error("the operating system has no random bytes to give")]
    NoRandomness,
}

impl StoreError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |why| Self::File { path, why }
    }
}
