//! Makes stores.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rrcore::Clock;
use tokio::sync::mpsc;

use super::connection::Place;
use super::counters::{Counters, StoreState};
use super::debts::Debts;
use super::leases::Leases;
use super::link::Link;
use super::names::Names;
use super::outbox::Outbox;
use super::owner::Owner;
use super::script::Scripts;
use super::shared::{Observer, Shared};
use super::shares::Shares;
use super::store::RedisStore;
use super::worker;
use crate::limiter::Limiter;
use crate::threshold::{self, Crossing};

/// Says how a [`RedisStore`] is to be, and starts it.
#[must_use]
pub struct RedisStoreBuilder {
    url: String,
    client: String,
    timeout: Duration,
    slice: u64,
    lease_lasts: Duration,
    nodes: u64,
    max_keys: usize,
    observer: Option<Observer>,
    on_threshold: Option<threshold::Observer>,
}

/// Why there is no store.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The URL is none that can be connected to. It is not shown: it may have a password in it.
    Url,
    /// The system gave no thread.
    Thread(io::Error),
}

impl RedisStore {
    /// A store at `url`: `redis://[[user]:password@]host[:port][/database]`, `rediss://` for TLS
    /// (feature `redis-tls`), or `redis+unix:///path`.
    ///
    /// A cluster is `redis-cluster://[[user]:password@]host[:port][,host[:port]]…`, or
    /// `rediss-cluster://…` for TLS: some of its nodes, of which one must answer at the start, and
    /// when a node is gone.
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url.into())
    }
}

impl RedisStoreBuilder {
    fn new(url: String) -> Self {
        Self {
            url,
            client: "-".to_owned(),
            timeout: Duration::from_millis(20),
            slice: 0,
            lease_lasts: Duration::from_secs(1),
            nodes: 1,
            max_keys: 1_000_000,
            observer: None,
            on_threshold: None,
        }
    }

    /// Whose counts they are; `-` otherwise. Nodes with the same share them; all that is theirs in
    /// the store is under one hash tag, and so on one node of a cluster.
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = client.into();
        self
    }

    /// How long an answer is waited for; 20 ms otherwise. After that the request is decided as if
    /// the store were gone.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Takes up to `slice` units of a limit at a time, and decides by them without asking, for as
    /// long as `lasts` (at most the limit's window; what is not spent then goes back). Without this,
    /// or with a slice of 0, the store is asked for each request, and counts are exact.
    ///
    /// A node never holds more than `slice` of one limit of one key, nor more than half of what would
    /// be its share of what is left; what it holds in all is
    /// [`StoreState::outstanding_leases`].
    pub fn leases(mut self, slice: u64, lasts: Duration) -> Self {
        (self.slice, self.lease_lasts) = (slice, lasts);
        self
    }

    /// How many nodes there are, for a node whose store is gone before it could say; 1 otherwise.
    pub fn nodes(mut self, nodes: u64) -> Self {
        self.nodes = nodes.max(1);
        self
    }

    /// Of how many keys this node remembers what it has let pass itself, and how many slices it
    /// holds at most; a million otherwise.
    pub fn max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// Tells `observer` when the store is gone, and when it is back: once for each change, in their
    /// order, and why ([`StoreState::trouble`]). The first that it is told is whether the store was
    /// reached at the start. It is called by the store's own thread, which has the answers that requests wait for:
    /// note or send, do not wait.
    pub fn on_change(mut self, observer: impl Fn(&StoreState) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Tells `observer` when a limit passes 80 % and 100 %, on the path of the request that passed it:
    /// of all nodes, that one. What is leased counts as spent. While the store is gone, nobody is
    /// told.
    pub fn on_threshold(
        mut self,
        observer: impl Fn(&Crossing<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_threshold = Some(Arc::new(observer));
        self
    }

    /// Starts the store's thread, which connects in its own time: until it has, limits go by what
    /// they say for the case that the store is gone.
    ///
    /// # Errors
    ///
    /// When the URL cannot be understood, or there is no thread to be had. Not when nobody listens
    /// there.
    pub fn start(self) -> Result<RedisStore, StartError> {
        let place = Place::parse(&self.url, self.timeout).ok_or(StartError::Url)?;
        let (sender, updates) = mpsc::channel(MOST_UPDATES);
        let (looks, asked) = mpsc::channel(MOST_LOOKS);
        let shared = Arc::new(Shared {
            link: Link::new(self.timeout),
            scripts: Scripts::new(),
            names: Names::new(&self.client),
            counters: Counters::default(),
            live_nodes: AtomicU64::new(self.nodes),
            leases: Mutex::new(Leases::new(self.max_keys, self.lease_lasts, self.timeout * 2)),
            slice: self.slice,
            own: Limiter::with_capacity(self.max_keys),
            shares: Shares::default(),
            debts: Mutex::new(Debts::new()),
            clock: Clock::system(),
            beat_every: BEAT_EVERY,
            permits_last: PERMITS_LAST,
            permits: Mutex::new(HashMap::new()),
            next_permit: AtomicU64::new(0),
            observer: self.observer,
            on_threshold: self.on_threshold,
            outbox: Mutex::new(Outbox::new(sender)),
            looks,
        });
        // Of its own: the runtime of whoever comes first may end first, and its thread may be busy.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let for_worker = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("rratelimit-store".to_owned())
            .spawn(move || runtime.block_on(worker::run(for_worker, place, updates, asked)))
            .map_err(StartError::Thread)?;
        Ok(RedisStore::new(Arc::new(Owner::new(shared))))
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder").field("client", &self.client).finish_non_exhaustive()
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("the store's URL cannot be understood"),
            Self::Thread(_) => f.write_str("there is no thread for the store"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url => None,
            Self::Thread(error) => Some(error),
        }
    }
}

const BEAT_EVERY: Duration = Duration::from_secs(1);
/// What a node holds that is gone is free again after this.
const PERMITS_LAST: Duration = Duration::from_secs(30);
/// What nobody waits for waits in this queue; beyond, it is lost, and counted.
const MOST_UPDATES: usize = 16_384;
/// Who else wants to know what was spent at the same time is told nothing.
const MOST_LOOKS: usize = 16;
