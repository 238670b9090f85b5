//! The newest audit records of what rules hang on.

use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use crate::control_plane::api::newest;
use crate::control_plane::api::problem::Problem;
use crate::control_plane::config::reference;
use crate::control_plane::config::resource::{Key, Kind};
use crate::control_plane::config::shown::CLIENT;
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::store::query::RecordQuery;
use crate::control_plane::store::reader::Reader;
use crate::control_plane::wire::auth::form::Kind as Side;

/// The newest records of several proxies, or of a credential, read a page at a time.
#[derive(Debug)]
pub(crate) struct History {
    sources: Vec<Source>,
    /// The position of the next record of each source, and which source it is.
    heads: BinaryHeap<(u64, usize)>,
    is_open: bool,
    /// How many records are still wanted.
    left: usize,
    /// How many are read of one source at a time.
    batch: usize,
}

/// Records that one index finds: asking for several proxies at once would sort all they ever had.
#[derive(Debug)]
struct Source {
    of: Of,
    waiting: VecDeque<(u64, Value)>,
    /// Where to go on reading.
    before: Option<u64>,
}

#[derive(Debug)]
enum Of {
    Proxy(Arc<str>),
    Caller(Arc<str>),
}

impl History {
    /// The newest `limit` records of requests about which the rules on `owner` are asked.
    pub(crate) fn of(config: &Config, owner: &Key, limit: usize) -> Self {
        let spec = config.get(owner).map(|it| &it.spec);
        let side = spec.and_then(|it| it.as_credential()).map(|it| it.kind);
        let sources: Vec<_> = match (owner.collection.kind, side) {
            (_, Some(Side::Proxy)) => vec![Source::new(Of::Caller(Arc::clone(&owner.id)))],
            (Kind::Proxy, _) => vec![Source::new(Of::Proxy(Arc::clone(&owner.id)))],
            (
                Kind::Credential
                | Kind::Target
                | Kind::Rule
                | Kind::Filter
                | Kind::Meter
                | Kind::Configuration,
                _,
            ) => {
                let users = reference::users(config, owner).into_iter();
                users.map(|it| Source::new(Of::Proxy(it.id))).collect()
            }
        };
        // Together, the first batches are hardly more than is wanted.
        let batch = limit.div_ceil(sources.len().max(1)).clamp(FEWEST, PAGE);
        Self { sources, heads: BinaryHeap::new(), is_open: false, left: limit, batch }
    }

    /// The next of them, newest first; none when there are no more.
    pub(crate) async fn page(&mut self, reader: &Reader) -> Result<Vec<Value>, Problem> {
        if !self.is_open {
            for index in 0..self.sources.len() {
                self.advance(index, reader).await?;
            }
            self.is_open = true;
        }
        let mut page = Vec::new();
        while page.len() < PAGE.min(self.left) {
            let Some((_, index)) = self.heads.pop() else { break };
            let source = self.sources.get_mut(index);
            page.extend(source.and_then(|it| it.waiting.pop_front()).map(|(_, record)| record));
            self.advance(index, reader).await?;
        }
        self.left -= page.len();
        Ok(page)
    }

    // Puts the next record of a source among the heads.
    async fn advance(&mut self, index: usize, reader: &Reader) -> Result<(), Problem> {
        let Some(source) = self.sources.get_mut(index) else { return Ok(()) };
        if source.waiting.is_empty() {
            source.fill(reader, self.batch).await?;
        }
        self.heads.extend(source.waiting.front().map(|(position, _)| (*position, index)));
        Ok(())
    }
}

impl Source {
    const fn new(of: Of) -> Self {
        Self { of, waiting: VecDeque::new(), before: None }
    }

    async fn fill(&mut self, reader: &Reader, batch: usize) -> Result<(), Problem> {
        // Positions start at 1: nothing is before it.
        if self.before == Some(0) {
            return Ok(());
        }
        let query = RecordQuery { client: CLIENT, ..RecordQuery::default() };
        let query = match &self.of {
            Of::Proxy(id) => RecordQuery { proxy: Some(id), ..query },
            Of::Caller(id) => RecordQuery { credential: Some(id), ..query },
        };
        self.waiting = newest::find(reader, query.select(self.before, batch)).await?.into();
        let is_last = self.waiting.len() < batch;
        self.before = self.waiting.back().map(|it| it.0).filter(|_| !is_last).or(Some(0));
        Ok(())
    }
}

const PAGE: usize = 500;
const FEWEST: usize = 10;
