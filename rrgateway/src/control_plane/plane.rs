//! The control plane as a whole: started, served, drained, stopped.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use rrcore::Clock;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle as Task;

use crate::control_plane::api::{self, Api, Seen};
use crate::control_plane::config::snapshot::Snapshot;
use crate::control_plane::standing::Standing;
use crate::control_plane::store::disk::CONTROL;
use crate::control_plane::store::error::StoreError;
use crate::control_plane::store::file::Lock;
use crate::control_plane::store::owner::{self, Owner};
use crate::control_plane::store::reader::Reader;
use crate::control_plane::store::records::{Keeper, RECORDS};
use crate::control_plane::store::revise::{Reviser, Surroundings};
use crate::control_plane::store::writer::Writer;
use crate::model::{EgressPolicy, Explain, Publisher, ReportsIn, SecretSink, Usage};
use crate::telemetry::Metrics;

/// What the control plane is started with.
pub struct ControlPlaneConfig {
    /// Where everything is kept; made, for its owner only, where there is none.
    pub data_dir: PathBuf,
    /// What time it is.
    pub clock: Clock,
    /// Which addresses targets may have.
    pub egress: EgressPolicy,
    /// The data plane's vault, to put secrets in.
    pub secrets: Arc<dyn SecretSink>,
    /// What says what would become of a request: the data plane.
    pub explain: Arc<dyn Explain>,
    /// What says what was spent of limits: the data plane.
    pub usage: Arc<dyn Usage>,
    /// Where revisions go.
    pub publisher: Publisher,
    /// Where audit records come from.
    pub reports: ReportsIn,
    /// Where the data plane is reached, such as `http://127.0.0.1:8080`.
    pub data_url: String,
    /// The data directory, where it is claimed already; `None`: it is claimed now.
    pub claim: Option<Claim>,
    /// Host names or addresses by which the listener may be called besides the loopback ones; a
    /// port is ignored.
    pub hosts: Vec<String>,
    /// All that is measured; what this plane measures comes to it.
    pub metrics: Metrics,
}

/// A data directory that no other process uses, until this is dropped.
///
/// Whoever keeps files of their own there claims it before they open them: what another process
/// writes at the same moment looks like damage.
#[derive(Debug)]
pub struct Claim {
    _lock: Lock,
}

/// Why the control plane could not start: one line for the operator.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StartError(#[from] StoreError);

/// A running control plane.
pub struct ControlPlane {
    api: Arc<Api>,
    token: PathBuf,
    lost: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    records: Task<()>,
    writer: JoinHandle<()>,
    claim: Claim,
}

/// What opening the files yields.
struct Opened {
    claim: Claim,
    reviser: Reviser,
    owner: Owner,
    keeper: Keeper,
    records: Reader,
    activity: Reader,
}

impl Claim {
    /// Claims `directory`; made, for its owner only, where there is none. Blocks on the disk.
    ///
    /// # Errors
    /// When another process has it, or nothing can be written there.
    pub fn on(directory: &Path) -> Result<Self, StartError> {
        Ok(Self { _lock: Lock::take(directory)? })
    }
}

impl ControlPlane {
    /// Opens the store, makes what the first start makes, and publishes the current revision.
    ///
    /// # Errors
    /// When another process has the data directory, or a file in it cannot be used: the error
    /// names it.
    pub async fn start(config: ControlPlaneConfig) -> Result<Self, StartError> {
        let around = surroundings(&config);
        let opened = opened(around, config.claim).await?;
        let Opened { claim, reviser, owner, keeper, records, activity } = opened;
        let oldest = oldest(reviser.current(), config.clock.clone());
        let started = Writer::start(reviser);
        let (writer, thread) = started.map_err(StoreError::file(&config.data_dir))?;
        let (stop, stopped) = watch::channel(false);
        let lost = keeper.lost();
        let api = Arc::new(Api {
            writer,
            records,
            activity,
            owner,
            publisher: config.publisher,
            egress: config.egress,
            explain: config.explain,
            usage: config.usage,
            secrets: config.secrets,
            comparing: Arc::new(Semaphore::new(1)),
            clock: config.clock,
            data_url: config.data_url.trim_end_matches('/').into(),
            hosts: config.hosts.iter().map(|it| api::host_name(it)).collect(),
            draining: false.into(),
            seen: Seen::default(),
            metrics: config.metrics,
        });
        api.metrics.add(Standing::of(&api, Arc::clone(&lost)));
        Ok(Self {
            api,
            token: config.data_dir.join(owner::FILE),
            lost,
            stop,
            records: tokio::spawn(keeper.run(config.reports, stopped, oldest)),
            writer: thread,
            claim,
        })
    }

    /// Everything that the control listener serves: the Core API, its docs, health.
    pub fn router(&self) -> Router {
        api::router(Arc::clone(&self.api))
    }

    /// Waits until a data plane has answered to the revision that was current at the start.
    pub async fn is_served(&self) {
        let number = self.api.writer.current().number;
        self.api.publisher.settled(number, FIRST).await;
    }

    /// The file with the owner's token.
    #[must_use]
    pub fn owner_token_path(&self) -> &Path {
        &self.token
    }

    /// How many audit records could not be kept since the start.
    #[must_use]
    pub fn lost_records(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// From now on, `/readyz` says no. Everything else goes on.
    pub fn drain(&self) {
        self.api.draining.store(true, Ordering::Relaxed);
    }

    /// Finishes the writes and keeps the records that have been handed over, then lets go of the
    /// data directory. Stop serving the router first: writes after this answer 503.
    pub async fn stop(self) {
        let Self { api, token: _, lost: _, stop, records, writer, claim } = self;
        api.draining.store(true, Ordering::Relaxed);
        api.writer.stop().await;
        stop.send_replace(true);
        if let Err(error) = records.await {
            tracing::error!(%error, "the audit records' keeper did not end well");
        }
        // Joining waits; it is kept off the threads that serve.
        let joined = tokio::task::spawn_blocking(move || writer.join().is_ok()).await;
        if !joined.unwrap_or(false) {
            tracing::error!("the configuration's writer did not end well");
        }
        drop(claim);
    }
}

fn surroundings(config: &ControlPlaneConfig) -> Surroundings {
    Surroundings {
        directory: config.data_dir.clone(),
        clock: config.clock.clone(),
        secrets: Arc::clone(&config.secrets),
        publisher: config.publisher.clone(),
        egress: config.egress.clone(),
    }
}

async fn opened(around: Surroundings, claim: Option<Claim>) -> Result<Opened, StoreError> {
    let path = around.directory.clone();
    let opened = tokio::task::spawn_blocking(move || open(around, claim));
    opened.await.map_err(|_| StoreError::Interrupted { path })?
}

// When what is now too old to be kept was received: milliseconds since the Unix epoch.
fn oldest(current: Arc<ArcSwap<Snapshot>>, clock: Clock) -> impl Fn() -> i64 + Send {
    move || {
        let days = current.load().config.configuration().audit_retention_days;
        let oldest = clock.now().wall.saturating_sub(Duration::from_secs(days * 24 * 60 * 60));
        i64::try_from(oldest.as_millis()).unwrap_or(i64::MAX)
    }
}

fn open(around: Surroundings, claim: Option<Claim>) -> Result<Opened, StoreError> {
    let directory = around.directory.clone();
    let claim = match claim {
        Some(claim) => claim,
        None => Claim { _lock: Lock::take(&directory)? },
    };
    // The records first: nothing is published that could not be recorded.
    let keeper = Keeper::open(&directory)?;
    let records = Reader::open(&directory, RECORDS)?;
    let (reviser, owner) = Reviser::open(around)?;
    reviser.look_through();
    let activity = Reader::open(&directory, CONTROL)?;
    Ok(Opened { claim, reviser, owner, keeper, records, activity })
}

/// A data plane that takes longer for its first revision is waited for by nobody.
const FIRST: Duration = Duration::from_secs(60);

impl fmt::Debug for ControlPlaneConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlaneConfig")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane").field("token", &self.token).finish_non_exhaustive()
    }
}
