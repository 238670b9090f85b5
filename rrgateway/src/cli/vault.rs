//! `rrgateway vault`: the master key of a running gateway.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::Value;

use crate::cli::client::Connection;

/// Look after the vault, where secrets are kept.
#[derive(Debug, Args)]
pub struct Vault {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Rotate(Rotate),
}

/// Make a new master key, seal every secret anew under it, and do away with the old key.
///
/// Asks a running gateway, which serves on meanwhile. Ends when it is done.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
struct Rotate {
    /// Print the answer of the Core API as it is
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Vault {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Rotate(rotate) => rotate.execute(),
        }
    }
}

impl Rotate {
    fn execute(self) -> anyhow::Result<ExitCode> {
        let client = self.connection.open()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let said = runtime.block_on(client.send(Method::POST, "/v1/vault/rotate", None))?;
        let text = if self.json { format!("{said:#}\n") } else { text(&said) };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn text(said: &Value) -> String {
    let key = said.get("keyId").and_then(Value::as_str).unwrap_or("?");
    let records = said.get("records").and_then(Value::as_u64).unwrap_or(0);
    let secrets = if records == 1 { "secret is" } else { "secrets are" };
    format!("{records} {secrets} sealed under the new master key {key}; the old one is gone\n")
}

const AFTER_HELP: &str = "\
The master key is in a file: a new one is written beside it (with .new at the end of its name), every
secret is sealed anew, and the new file takes the place of the old one. Whenever the gateway is killed
meanwhile, its next start goes on where it was. Where the key comes from an environment variable or a
command, this is refused: give the new key there and the old one as vault.previousKeyFile,
vault.previousKeyEnv or vault.previousKeyCommand, start the gateway again, and take the old one away
when the log says that all records are under one master key.

Backups of the vault need the master key of their time.

Exit code: 0 when it is done, 1 when not; both keys are kept then, and the same command goes on.";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_done_is_one_sentence() {
        let said = |records| text(&json!({"keyId": "00ff", "records": records}));
        let rest = "sealed under the new master key 00ff; the old one is gone\n";
        assert_eq!(said(1), format!("1 secret is {rest}"));
        assert_eq!(said(2), format!("2 secrets are {rest}"));
    }
}
