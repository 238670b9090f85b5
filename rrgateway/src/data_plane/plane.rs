//! Starts and stops the data plane: its workers, its listener, its builder.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt;
use futures_util::future::join;
use http::HeaderValue;
use hyper::service::service_fn;
use rrauth::HttpClient;
use rrcore::{Budget, Clock, TrustedProxies};
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::data_plane::builder::Builder;
use crate::data_plane::callers::Acquaintance;
use crate::data_plane::edge::{Edge, Peer};
use crate::data_plane::explain::Explainer;
use crate::data_plane::injection::Injections;
use crate::data_plane::layers::Shared;
use crate::data_plane::limits::{Keeper, Kept, Ledger, LimitsConfig, Started};
use crate::data_plane::outcalls::Outcalls;
use crate::data_plane::pipeline;
use crate::data_plane::record::Recorder;
use crate::data_plane::router::Live;
use crate::data_plane::secrets::{Consents, Secrets};
use crate::data_plane::tally::Tallies;
use crate::data_plane::upstream::Connector;
use crate::data_plane::vitals::{Connections, Vitals};
use crate::listen::{self, Drain, Drainer, Limits, PeerCertificate, Tls, TlsSettings};
use crate::model::{EgressPolicy, Explain, Reports, Subscription, Usage};
use crate::telemetry::Metrics;

/// What a data plane is made of.
#[derive(Debug)]
pub struct DataPlaneConfig {
    /// Where it keeps what must outlive it; there already.
    pub directory: PathBuf,
    /// Where to listen; port 0 takes any.
    pub listen: SocketAddr,
    /// The certificate that callers are shown; none, and they speak plain HTTP.
    pub tls: Option<TlsSettings>,
    /// Threads that serve; each has its own runtime, listener and upstream connections.
    pub workers: usize,
    /// Where revisions come from.
    pub subscription: Subscription,
    /// Where records go.
    pub reports: Reports,
    /// What is injected.
    pub secrets: Secrets,
    /// Which addresses may be called.
    pub egress: EgressPolicy,
    /// The time.
    pub clock: Clock,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted: TrustedProxies,
    /// The largest request body, in bytes.
    pub max_request_bytes: u64,
    /// Where and how requests are counted.
    pub counting: LimitsConfig,
    /// What a client may take of the listener.
    pub limits: Limits,
    /// Where it says what it has measured.
    pub metrics: Metrics,
}

/// A running data plane.
#[derive(Debug)]
pub struct DataPlane {
    address: SocketAddr,
    is_tls: bool,
    explainer: Explainer,
    ledger: Ledger,
    keeper: Option<Keeper>,
    drainer: Drainer,
    consents: Consents,
    workers: Vec<Worker>,
    builder: Worker,
}

impl DataPlane {
    /// Binds, starts the workers, and begins to follow revisions. Until the first one every
    /// request is answered 503 `not-ready`.
    ///
    /// # Errors
    /// When TLS cannot be had as it is configured, the address cannot be bound, or a thread cannot
    /// be started.
    pub fn start(config: DataPlaneConfig) -> anyhow::Result<Self> {
        let (vitals, tallies) = measured(&config);
        let tls = config.tls.map(Tls::load).transpose().context("data.tls")?;
        let live = Live::default();
        let via = format!("rrgateway-{}", instance()?);
        let edge = Edge::new(
            live.clone(),
            config.clock.clone(),
            Recorder::new(config.reports, Arc::default()),
            config.trusted,
            config.max_request_bytes,
            via.clone(),
        );
        let connector = Connector::new(config.egress.clone())?;
        let client: Arc<dyn HttpClient> =
            Arc::new(Outcalls::new(connector.clone(), vitals.clone()));
        let Started { counting, limiter, notices, kept } =
            Started::new(&config.counting, &config.directory, &config.clock, &config.metrics)?;
        let (counts, clock) = (counting.counts.clone(), config.clock.clone());
        let ledger = Ledger::new(live.clone(), counts, notices, clock.clone());
        let (bodies, consents) = (Budget::bytes(BODY_BYTES), Consents::default());
        let builder = Builder {
            shared: Arc::new(Shared { counting, limiter, clock, bodies }),
            acquaintance: Acquaintance::new(Arc::clone(&client), config.secrets.clone())?,
            injections: Injections::new(config.secrets, consents.clone(), client, config.clock),
            connector,
            via: HeaderValue::try_from(format!("1.1 {via}"))?,
            vitals,
        };
        let (listeners, address) = bind(config.listen, config.workers.max(1))
            .with_context(|| format!("cannot listen on {} (data.listen)", config.listen))?;
        config.egress.never(address);
        let explainer = Explainer::new(edge.clone(), address);
        let (drainer, drain) = listen::drain();
        let following = builder.follow(config.subscription, live);
        let following = join(following, certificates(tls.clone()));
        let builder = Worker::spawn("rr-revisions", following.map(drop))?;
        let mut workers = Vec::with_capacity(listeners.len());
        for (listener, tally) in listeners.into_iter().zip(tallies.each()) {
            let (edge, limits) = (edge.counting(tally), config.limits.clone());
            let serving = serve(listener, tls.clone(), edge, limits, drain.clone());
            workers.push(Worker::spawn("rr-data", serving)?);
        }
        let keeper = kept.map(Kept::keep).transpose()?;
        let is_tls = tls.is_some();
        Ok(Self { address, is_tls, explainer, ledger, keeper, drainer, consents, workers, builder })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that callers' paths follow.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// What says what would become of a request, by the routes that are served.
    #[must_use]
    pub fn explain(&self) -> Arc<dyn Explain> {
        Arc::new(self.explainer.clone())
    }

    /// What says what was spent of limits, by the routes that are served.
    #[must_use]
    pub fn usage(&self) -> Arc<dyn Usage> {
        Arc::new(self.ledger.clone())
    }

    /// Stops accepting, lets requests in flight finish for `grace` at the most, also those of ours
    /// that bring refresh tokens, then ends. `true` when all finished in time.
    pub async fn stop(self, grace: Duration) -> bool {
        let end = Instant::now() + grace;
        let finished = self.drainer.finish(grace).await;
        // A token server gives each of them once. Workers run until they are told to stop.
        let settled = timeout_at(end, self.consents.settle()).await.is_ok();
        let workers = self.workers.into_iter().chain([self.builder]);
        // Joining blocks, but only for as long as a thread takes to notice.
        let ended = tokio::task::spawn_blocking(move || {
            workers.for_each(Worker::stop);
            self.keeper.into_iter().for_each(Keeper::stop);
        });
        _ = ended.await;
        finished && settled
    }
}

// What is counted from now on, and read by who asks.
fn measured(config: &DataPlaneConfig) -> (Vitals, Tallies) {
    let (vitals, tallies) = (Vitals::default(), Tallies::of(config.workers.max(1)));
    config.metrics.add(tallies.clone());
    config.metrics.add(vitals.clone());
    config.metrics.add(Connections::of(config.limits.clone()));
    (vitals, tallies)
}

fn bind(address: SocketAddr, count: usize) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    if count > 1 {
        // `SO_REUSEPORT` would also share the port with a stranger's process of the same user:
        // find out first that nobody has it.
        drop(listen::bind(address, false)?);
    }
    let first = listen::bind(address, count > 1)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..count {
        listeners.push(listen::bind(address, true)?);
    }
    Ok((listeners, address))
}

async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    edge: Edge,
    limits: Limits,
    mut drain: Drain,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a listener is unusable"),
    };
    let service = move |peer: Peer| {
        let edge = edge.clone();
        service_fn(move |request| {
            let serving = pipeline::edge(edge.clone(), peer.clone(), request);
            async move { Ok::<_, Infallible>(serving.await) }
        })
    };
    match tls {
        Some(tls) => {
            let service = move |address, certificate: Option<PeerCertificate>| {
                service(Peer::new(address, certificate.as_ref()))
            };
            listen::accept_tls(listener, limits, drain.clone(), tls, service).await;
        }
        None => {
            let service = |address| service(Peer::new(address, None));
            listen::accept(listener, limits, drain.clone(), service).await;
        }
    }
    // Connections run on this thread's runtime: it stays until it is told to stop.
    drain.begun().await;
    drop(drain);
    std::future::pending().await
}

// Keeps to the files of the certificate, if there are any.
async fn certificates(tls: Option<Tls>) {
    if let Some(tls) = tls {
        tls.follow().await;
    }
}

// Tells this gateway's own requests from others'. Not a secret.
fn instance() -> anyhow::Result<String> {
    let number = getrandom::u32().context("the operating system has no randomness")?;
    Ok(format!("{number:08x}"))
}

/// A thread with a runtime of its own.
#[derive(Debug)]
struct Worker {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn spawn(name: &str, task: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = task => {}
                    // Told to, or whoever could tell is gone.
                    _ = stopped => {}
                }
            });
            // Not waiting for blocking tasks: a name that does not resolve must not hold us up.
            runtime.shutdown_background();
        })?;
        Ok(Self { stop, thread })
    }

    fn stop(self) {
        _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("a worker had panicked");
        }
    }
}

/// The memory that all request bodies which stages look into may take at one time.
const BODY_BYTES: usize = 256 << 20;
