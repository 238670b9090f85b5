//! Finds audit records.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;

use crate::control_plane::store::error::StoreError;
use crate::control_plane::store::file;
use crate::control_plane::store::records::RECORDS;

/// Reads what the keeper has written. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

/// What is asked for; newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) client: String,
    pub(crate) proxy: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) stage: Option<String>,
    /// Only what was written before this position.
    pub(crate) before: Option<u64>,
    pub(crate) limit: usize,
}

impl Records {
    /// The file must be there: the keeper comes first.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        let connection = Arc::new(Mutex::new(file::open_reader(directory, RECORDS)?));
        Ok(Self { path: directory.join(RECORDS.name), connection })
    }

    /// The records that `query` asks for, each with its position.
    pub(crate) async fn find(&self, query: Query) -> Result<Vec<(u64, Value)>, StoreError> {
        let Self { path, connection } = self.clone();
        let found = tokio::task::spawn_blocking(move || {
            select(&connection.lock().unwrap_or_else(PoisonError::into_inner), &query)
        });
        // It fails to join only when the runtime ends.
        let found = found.await.unwrap_or(Err(rusqlite::Error::InvalidQuery));
        found.map_err(|source| StoreError::Database { path, source })
    }
}

fn select(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<(u64, Value)>> {
    let text = |it: &Option<String>| it.clone().map(Sql::Text);
    let number = |it: u64| Sql::Integer(i64::try_from(it).unwrap_or(i64::MAX));
    let criteria = [
        ("client =", Some(Sql::Text(query.client.clone()))),
        ("proxy =", text(&query.proxy)),
        ("id =", text(&query.id)),
        ("status =", query.status.map(|it| Sql::Integer(it.into()))),
        ("code =", text(&query.code)),
        ("stage =", text(&query.stage)),
        ("position <", query.before.map(number)),
    ];
    let given = || criteria.iter().filter_map(|(what, value)| Some((what, value.as_ref()?)));
    let conditions: Vec<_> = given().map(|(what, _)| format!("{what} ?")).collect();
    let conditions = conditions.join(" AND ");
    let mut statement = connection.prepare(&format!(
        "SELECT position, body FROM record WHERE {conditions} ORDER BY position DESC LIMIT {}",
        query.limit
    ))?;
    let rows = statement.query_map(params_from_iter(given().map(|(_, value)| value)), |row| {
        let body = serde_json::from_str(row.get_ref(1)?.as_str()?);
        let position: i64 = row.get(0)?;
        Ok((u64::try_from(position).unwrap_or(0), body.unwrap_or_default()))
    })?;
    rows.collect()
}
