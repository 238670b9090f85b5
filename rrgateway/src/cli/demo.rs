//! `rrgateway demo`: one request through each outcome.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::cli::run::Signals;
use crate::demo::Session;
use crate::telemetry::{self, LogFormat};

/// Watch real requests pass every stage, and be refused by each.
///
/// Starts a gateway on free ports with its data in a temporary directory, and an upstream API to
/// call; configures the gateway through its own Core API; sends one request for each outcome (200,
/// 401, 403, 429, 400, 422) and shows what the upstream received. Then it keeps serving, for you to
/// try, until Ctrl-C.
#[derive(Debug, Args)]
pub struct Demo {
    /// End after the table; fails if an outcome is not the expected one
    #[arg(long)]
    once: bool,
    /// Print each outcome as a line of JSON: {"outcome","status","stage","code"}
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        telemetry::init(LogFormat::Auto, "warn");
        let runtime = tokio::runtime::Runtime::new().context("no runtime")?;
        let code = runtime.block_on(self.show())?;
        runtime.shutdown_background();
        Ok(code)
    }

    async fn show(self) -> anyhow::Result<ExitCode> {
        let session = Session::start().await?;
        let seen = session.run().await?;
        say(&if self.json { seen.json() } else { seen.table() })?;
        let code = match seen.unexpected() {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        };
        if !self.once {
            self.stay(&session).await?;
        }
        session.stop().await?;
        Ok(code)
    }

    async fn stay(&self, session: &Session) -> anyhow::Result<()> {
        let mut signals = Signals::new()?;
        if !self.json {
            say(&session.invitation())?;
        }
        signals.next().await;
        Ok(())
    }
}

// A closed pipe (`demo | head`) is an error like any other, not a panic.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("cannot write to the terminal")
}
