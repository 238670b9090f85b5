//! Finds what was written down, newest first.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;

use crate::control_plane::store::error::StoreError;
use crate::control_plane::store::file::{self, Format};

/// Reads a file that another writes. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

/// What is asked for of a table with a `position` and a `body`.
#[derive(Debug)]
pub(crate) struct Select {
    table: &'static str,
    criteria: Vec<(&'static str, Sql)>,
    limit: usize,
}

impl Reader {
    /// The file must be there, in its newest version: whoever writes it comes first.
    pub(crate) fn open(directory: &Path, format: Format) -> Result<Self, StoreError> {
        let connection = Arc::new(Mutex::new(file::open_reader(directory, format)?));
        Ok(Self { path: directory.join(format.name), connection })
    }

    /// What `select` asks for, each with its position.
    pub(crate) async fn find(&self, select: Select) -> Result<Vec<(u64, Value)>, StoreError> {
        let Self { path, connection } = self.clone();
        let found = tokio::task::spawn_blocking(move || {
            select.run(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        // It fails to join only when the runtime ends.
        let found = found.await.unwrap_or(Err(rusqlite::Error::InvalidQuery));
        found.map_err(|why| StoreError::Database { path, why })
    }
}

impl Select {
    /// Up to `limit` rows of `table`, written before position `before`.
    pub(crate) fn newest(table: &'static str, before: Option<u64>, limit: usize) -> Self {
        let before = before.map(|it| i64::try_from(it).unwrap_or(i64::MAX));
        Self { table, criteria: Vec::new(), limit }.number("position < ?", before)
    }

    /// Only where `what`, such as `code = ?`, holds for `value`.
    pub(crate) fn text(self, what: &'static str, value: Option<&str>) -> Self {
        self.value(what, value.map(|it| Sql::Text(it.to_owned())))
    }

    /// Only where `what`, such as `status = ?`, holds for `value`.
    pub(crate) fn number(self, what: &'static str, value: Option<i64>) -> Self {
        self.value(what, value.map(Sql::Integer))
    }

    fn value(mut self, what: &'static str, value: Option<Sql>) -> Self {
        self.criteria.extend(value.map(|it| (what, it)));
        self
    }

    fn run(self, connection: &Connection) -> rusqlite::Result<Vec<(u64, Value)>> {
        let Self { table, criteria, limit } = self;
        // The texts are this program's own; what clients send is only ever bound.
        let conditions: String = criteria.iter().map(|(what, _)| format!(" AND {what}")).collect();
        let mut statement = connection.prepare(&format!(
            "SELECT position, body FROM {table} WHERE TRUE{conditions} \
             ORDER BY position DESC LIMIT {limit}"
        ))?;
        let values = criteria.into_iter().map(|(_, value)| value);
        let rows = statement.query_map(params_from_iter(values), |row| {
            let body = serde_json::from_str(row.get_ref(1)?.as_str()?);
            let position: i64 = row.get(0)?;
            Ok((u64::try_from(position).unwrap_or(0), body.unwrap_or_default()))
        })?;
        rows.collect()
    }
}
