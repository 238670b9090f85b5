//! `rrgateway run`: both planes in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::data_plane::StoreUrl;
use crate::listen::MAX_CONNECTIONS;
use crate::settings::{Partial, Settings};
use crate::telemetry;

/// Serve traffic and the Core API from one process, with an embedded store.
///
/// Callers reach a proxy at http://<data address>/api/<proxy id>/<path>, or at https://… once there
/// is a certificate. Configuration is changed through the Core API at http://<control address>/v1,
/// with the token that the first start writes to <data dir>/admin.token; /readyz and /metrics are
/// beside it. SIGTERM or Ctrl-C finishes what is in flight; a second one ends at once.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Run {
    /// A TOML or YAML file with settings; flags and RR_… variables count over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything is kept [default: ./rr-data] [env: RR_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where callers connect [default: 127.0.0.1:8080] [env: RR_DATA_LISTEN]
    #[arg(long, value_name = "ADDR:PORT")]
    data_listen: Option<SocketAddr>,
    /// The certificate that callers are shown, PEM, with those between it and its root
    /// [env: RR_DATA_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    data_tls_cert: Option<PathBuf>,
    /// Its key, PEM; not readable by everybody [env: RR_DATA_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    data_tls_key: Option<PathBuf>,
    /// Ask callers for a certificate that one of these signs, PEM; they need not have one
    /// [env: RR_DATA_TLS_CLIENT_CA]
    #[arg(long, value_name = "FILE")]
    data_tls_client_ca: Option<PathBuf>,
    /// Where the Core API listens [default: 127.0.0.1:8081] [env: RR_CONTROL_LISTEN]
    #[arg(long, value_name = "ADDR:PORT")]
    control_listen: Option<SocketAddr>,
    /// A name by which the Core API may be called besides localhost and its address, such as that of
    /// a proxy in front of it; may be given several times [env: RR_CONTROL_HOSTS]
    #[arg(long, value_name = "NAME")]
    control_host: Option<Vec<String>>,
    /// Networks that may be called although they are not public, such as 10.1.0.0/16
    /// [env: RR_EGRESS_ALLOW]
    #[arg(long, value_name = "CIDR,…", value_delimiter = ',')]
    egress_allow: Option<Vec<IpNet>>,
    /// The store in which several gateways count together, such as redis://10.0.0.5
    /// [env: RR_LIMITS_STORE]
    #[arg(long, value_name = "URL")]
    limits_store: Option<StoreUrl>,
    /// Let a core file be written when the process crashes: secrets are in it [env: RR_CORE_DUMPS]
    #[arg(long)]
    core_dumps: bool,
}

impl Run {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let flags = Partial {
            data_dir: self.data_dir,
            data_listen: self.data_listen,
            data_tls_cert: self.data_tls_cert,
            data_tls_key: self.data_tls_key,
            data_tls_client_ca: self.data_tls_client_ca,
            control_listen: self.control_listen,
            control_hosts: self.control_host,
            egress_allow: self.egress_allow,
            limits_store: self.limits_store,
            // Without the flag, the variable and the file count.
            core_dumps: self.core_dumps.then_some(true),
            ..Partial::default()
        };
        let settings = Settings::read(self.config.as_deref(), flags)?;
        if !settings.core_dumps {
            forbid_core_files()?;
        }
        telemetry::init(settings.log_format, "info");
        open_many_files();
        let runtime = tokio::runtime::Runtime::new().context("no runtime")?;
        runtime.block_on(serve(&settings))?;
        // Whatever still blocks is not worth waiting for.
        runtime.shutdown_background();
        Ok(ExitCode::SUCCESS)
    }
}

// Hard too: nothing that is started from here may raise it again.
fn forbid_core_files() -> anyhow::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("cannot forbid core files (coreDumps)")
}

// Where the soft limit is the customary 1024, callers could use it up, and with it what the gateway needs
// itself.
fn open_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let files =
        if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    if let Some(files) = files.filter(|it| *it < ENOUGH_FILES) {
        tracing::warn!(
            files,
            "few files and connections may be open at once, and callers alone may have \
             {MAX_CONNECTIONS} connections: raise the limit (ulimit -Hn, LimitNOFILE)"
        );
    }
}

async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let gateway = settings.builder().start().await?;
    signals.next().await;
    tracing::info!("finishing what is in flight; another signal ends at once");
    tokio::select! {
        stopped = gateway.stop() => {
            if let Err(error) = stopped {
                tracing::warn!(%error, "stopped");
            }
        }
        () = signals.next() => tracing::warn!("ended at once"),
    }
    Ok(())
}

/// The two signals that ask a process to end.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub fn new() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        Ok(Self { terminate, interrupt })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Each caller's connection may need another to an upstream; and the gateway has some of its own.
const ENOUGH_FILES: u64 = 2 * MAX_CONNECTIONS as u64 + 256;

const AFTER_HELP: &str = "\
Settings (file key, variable): dataDir RR_DATA_DIR, data.listen RR_DATA_LISTEN, data.workers
RR_DATA_WORKERS, data.tls.cert RR_DATA_TLS_CERT, data.tls.key RR_DATA_TLS_KEY, data.tls.clientCa
RR_DATA_TLS_CLIENT_CA, data.tls.minVersion RR_DATA_TLS_MIN_VERSION (1.2, 1.3), control.listen
RR_CONTROL_LISTEN, control.hosts RR_CONTROL_HOSTS, egress.allow RR_EGRESS_ALLOW, trustedProxies
RR_TRUSTED_PROXIES, maxRequestBytes RR_MAX_REQUEST_BYTES, limits.store RR_LIMITS_STORE, limits.mode RR_LIMITS_MODE (exact, leases),
limits.slice RR_LIMITS_SLICE, limits.timeoutMs RR_LIMITS_TIMEOUT_MS, limits.onStoreFailure
RR_LIMITS_ON_STORE_FAILURE (lease-then-share, allow, deny), limits.maxKeys RR_LIMITS_MAX_KEYS,
limits.onCapacity RR_LIMITS_ON_CAPACITY (shareOne, refuse), drain.graceSeconds
RR_DRAIN_GRACE_SECONDS, coreDumps RR_CORE_DUMPS (true, false), log.format RR_LOG_FORMAT (auto,
human, json). RUST_LOG sets the log levels.

The files of data.tls are looked at every 10 seconds: replace them, and new connections are shown
what they hold. While they do not fit each other, the certificate stays as it was.

The vault's master key, one of: vault.keyFile RR_VAULT_KEY_FILE (default <data dir>/vault/master.key,
made on the first start), vault.keyEnv RR_VAULT_KEY_ENV (the name of a variable with 64 hexadecimal
digits or 32 bytes in base64), vault.keyCommand RR_VAULT_KEY_COMMAND (a program and its arguments, run
without a shell, that prints the same within 30 s). The key before it, until no secret is under it:
vault.previousKeyFile, vault.previousKeyEnv, vault.previousKeyCommand (RR_VAULT_PREVIOUS_KEY_…).";
