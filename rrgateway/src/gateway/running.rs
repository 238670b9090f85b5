//! A gateway that runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::Request;
use hyper_util::service::TowerToHyperService;
use tower::util::MapRequest;
use zeroize::Zeroizing;

use crate::control_plane::{Claim, ControlPlane, ControlPlaneConfig};
use crate::data_plane::{DataPlane, DataPlaneConfig, KeySources, Secrets};
use crate::gateway::builder::GatewayBuilder;
use crate::gateway::files::DataDir;
use crate::listen::{self, Drain, Drainer, Limits};
use crate::model::{self, EgressPolicy};
use crate::telemetry::Metrics;

/// Both planes, running in this process.
///
/// ```
/// # async fn example() -> anyhow::Result<()> {
/// let gateway = rrgateway::Gateway::builder().start().await?;
/// println!("callers: {}/api/…", gateway.data_url());
/// println!("you:     http://{}/v1/… with {}", gateway.control_address(), gateway.token_path().display());
/// gateway.stop().await?;
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
///
/// Dropping it ends it at once; [`Gateway::stop`] lets it finish.
#[derive(Debug)]
pub struct Gateway {
    data: DataPlane,
    control: ControlPlane,
    control_address: SocketAddr,
    control_drainer: Drainer,
    grace: Duration,
    // Last, so that it is removed after everything that writes into it.
    directory: DataDir,
    metrics: Metrics,
}

impl Gateway {
    /// A gateway on free ports, with its data in a temporary directory.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::default()
    }

    /// Where callers connect.
    #[must_use]
    pub const fn data_address(&self) -> SocketAddr {
        self.data.address()
    }

    /// The URL that callers' paths follow, such as `https://127.0.0.1:8080`: with TLS it is `https`.
    #[must_use]
    pub fn data_url(&self) -> String {
        self.data.url()
    }

    /// Where the Core API listens.
    #[must_use]
    pub const fn control_address(&self) -> SocketAddr {
        self.control_address
    }

    /// Where its data is.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    /// The file with the owner's token.
    #[must_use]
    pub fn token_path(&self) -> &Path {
        self.control.owner_token_path()
    }

    /// The owner's token, made on the first start.
    ///
    /// # Errors
    /// When its file is gone or cannot be read.
    pub fn owner_token(&self) -> anyhow::Result<Zeroizing<String>> {
        let path = self.token_path();
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Zeroizing::new(text.trim().to_owned()))
    }

    /// What it has measured, as `GET /metrics` of the control listener says it.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Stops: not ready any more, accepts nothing new, finishes what is in flight, writes down
    /// what was recorded.
    ///
    /// # Errors
    /// When requests were still in flight at the end of the grace period, and were cut off.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Self { data, control, control_drainer, grace, directory, .. } = self;
        control.drain();
        // Data first: its last records must find their reader.
        let finished = data.stop(grace).await;
        _ = control_drainer.finish(CONTROL_GRACE).await;
        control.stop().await;
        drop(directory);
        anyhow::ensure!(finished, "requests were still in flight after {} s", grace.as_secs());
        Ok(())
    }
}

impl GatewayBuilder {
    /// Starts both planes. Returns when both listen and the stored configuration is served.
    ///
    /// # Errors
    /// Says which of its parts could not start, and why; or that this is not polled on a tokio runtime.
    pub async fn start(self) -> anyhow::Result<Gateway> {
        tokio::runtime::Handle::try_current().context("a gateway starts on a tokio runtime")?;
        let (directory, claim) = claim(self.data_dir.clone())?;
        let secrets = open_vault(directory.path(), self.keys.clone()).await?;
        let egress = EgressPolicy::allowing(self.egress.iter().copied());
        let (publisher, subscription) = model::channel();
        let (reports, reports_in) = model::reports(RECORDS);
        let metrics = Metrics::new();
        // Bound before the control plane starts: a taken port must not cost a revision.
        let (control_listener, control_address) = bind_control(self.control_listen, &egress)?;
        let data = DataPlane::start(DataPlaneConfig {
            directory: directory.path().to_owned(),
            listen: self.data_listen,
            tls: self.data_tls.clone(),
            workers: self.workers,
            subscription,
            reports,
            secrets: secrets.clone(),
            egress: egress.clone(),
            clock: self.clock.clone(),
            trusted: self.trusted(),
            max_request_bytes: self.max_request_bytes,
            counting: self.counting.clone(),
            limits: Limits::default(),
            metrics: metrics.clone(),
        })?;
        let control = ControlPlane::start(ControlPlaneConfig {
            data_dir: directory.path().to_owned(),
            clock: self.clock.clone(),
            egress,
            secrets: Arc::new(secrets.clone()),
            explain: data.explain(),
            usage: data.usage(),
            publisher,
            reports: reports_in,
            data_url: data.url(),
            claim: Some(claim),
            hosts: self.hosts(control_address),
            metrics: metrics.clone(),
        })
        .await
        .context("the control plane cannot start")?;
        // Only now: what no revision names is gone.
        _ = secrets.settle();
        let (control_drainer, drain) = listen::drain();
        tokio::spawn(serve(control_listener, control.router(), drain));
        control.is_served().await;
        directory.announce(data.address(), control_address)?;
        tracing::info!(data = %data.url(), control = %control_address, "listening");
        let grace = self.grace;
        Ok(Gateway { data, control, control_address, control_drainer, grace, directory, metrics })
    }
}

fn claim(data_dir: Option<PathBuf>) -> anyhow::Result<(DataDir, Claim)> {
    let directory = DataDir::open(data_dir)?;
    // Before anything in it is opened: what another process is just writing looks like damage.
    let claim = Claim::on(directory.path()).context("the control plane cannot start")?;
    Ok((directory, claim))
}

fn bind_control(
    address: SocketAddr,
    egress: &EgressPolicy,
) -> anyhow::Result<(std::net::TcpListener, SocketAddr)> {
    let bound = listen::bind(address, false);
    let listener = bound.with_context(|| format!("cannot listen on {address} (control.listen)"))?;
    let address = listener.local_addr()?;
    egress.never(address);
    Ok((listener, address))
}

// A key may come from a command that takes its time.
async fn open_vault(data_dir: &Path, keys: KeySources) -> anyhow::Result<Secrets> {
    let data_dir = data_dir.to_owned();
    let open = move || {
        let opened = Secrets::open(&data_dir, keys);
        opened.with_context(|| data_dir.join("vault").display().to_string())
    };
    let opened = tokio::task::spawn_blocking(open).await;
    opened.map_err(Into::into).flatten().context("the vault cannot be opened")
}

async fn serve(listener: std::net::TcpListener, router: axum::Router, drain: Drain) {
    match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => {
            // Whose write it is, for the activity log.
            let service = move |peer: SocketAddr| {
                let router = router.clone();
                TowerToHyperService::new(MapRequest::new(router, move |mut request: Request<_>| {
                    request.extensions_mut().insert(peer);
                    request
                }))
            };
            listen::accept(listener, Limits::default(), drain, service).await;
        }
        Err(error) => tracing::error!(%error, "the control listener is unusable"),
    }
}

/// Records that may wait for the control plane. Beyond it they are dropped and counted.
const RECORDS: usize = 65_536;
/// The control plane's requests are short.
const CONTROL_GRACE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn a_gateway_without_a_runtime_is_an_error_and_no_panic() {
        let start = pin!(Gateway::builder().start());
        let Poll::Ready(Err(error)) = start.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it starts, or waits")
        };
        assert_eq!(error.to_string(), "a gateway starts on a tokio runtime");
    }
}
