//! `rrgateway explain`: what would become of a request, and why.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use http::Method;
use serde_json::{Map, Value, json};

use crate::cli::client::Connection;
use crate::cli::explained;

/// Say what would become of a request, stage by stage, and why.
///
/// Asks a running gateway, which decides with the same code, configuration and counters that it
/// serves with. Nothing is sent to the upstream, and nothing is counted.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Explain {
    /// The id or the alias of the proxy
    #[arg(long, value_name = "ID")]
    proxy: String,
    /// The method, such as GET
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: String,
    /// What would follow /api/{proxy}: a path, perhaps with a query
    #[arg(long, value_name = "PATH")]
    path: String,
    /// A header of the request; give it again for more
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The body: a text, or @FILE, or @- for the standard input
    #[arg(long, value_name = "TEXT|@FILE")]
    body: Option<String>,
    /// The proxy credential that the request is taken to show; its secret is not needed. Without
    /// it, what the headers show counts
    #[arg(long, value_name = "ID")]
    credential: Option<String>,
    /// Print the answer of the Core API as it is
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Explain {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let question = self.question()?;
        let client = self.connection.open()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let said = runtime.block_on(client.send(Method::POST, "/v1/explain", Some(&question)))?;
        // A gateway that serves nothing yet cannot decide.
        let is_decided = said.get("revision").is_some_and(Value::is_u64);
        let text =
            if self.json { format!("{said:#}\n") } else { explained::text(&question, &said) };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write")?;
        ensure!(is_decided, "the gateway serves no revision yet");
        Ok(ExitCode::SUCCESS)
    }

    fn question(&self) -> anyhow::Result<Value> {
        let body = self.body.as_deref().map(body).transpose()?;
        let mut headers: Map<String, Value> = Map::new();
        for (name, value) in &self.headers {
            let lines = headers.entry(name.to_ascii_lowercase()).or_insert_with(|| json!([]));
            lines.as_array_mut().into_iter().for_each(|it| it.push(value.as_str().into()));
        }
        // As the Core API does for a body that is given as JSON.
        let is_json = |text: &String| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if body.as_ref().is_some_and(is_json) {
            headers.entry("content-type").or_insert_with(|| "application/json".into());
        }
        Ok(json!({
            "proxyId": self.proxy,
            "method": self.method,
            "path": self.path,
            "headers": headers,
            "body": body,
            "credentialId": self.credential,
        }))
    }
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("expected \"Name: value\"")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn body(text: &str) -> anyhow::Result<String> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the standard input is no text")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("--body: {path} cannot be read"))
}

const AFTER_HELP: &str = "\
Examples:
  rrgateway explain --proxy crm --path /customers/7 --credential agent
  rrgateway explain --proxy crm --method POST --path '/orders?dry=1' \\
    --header 'X-Team: a' --body '{\"amount\": 5}' --credential agent

The answer names the first stage that would refuse, then lists every stage: the canonical path that
rules judge, what is left of each limit, each rule with the criterion on which it fails (a pointer
into the rule, such as /headers/0), how the target credential is shown, and the filters that would
apply. Stages behind the one that refuses are asked too, as far as they can tell.

Exit code: 0 when it could decide, whatever the decision; 1 when it could not.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        assert_eq!(header("X-A: b: c"), Ok(("X-A".to_owned(), "b: c".to_owned())));
        assert_eq!(header("X-A:"), Ok(("X-A".to_owned(), String::new())));
        assert!(header("X-A").is_err());
    }
}
