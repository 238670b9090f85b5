//! `rrgateway validate`: whether a file of configuration is right, without a gateway.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use ipnet::IpNet;

use crate::control_plane::file::check::check;
use crate::control_plane::file::report::{Report, Severity};
use crate::model::EgressPolicy;

/// Check a file of configuration, without a gateway.
///
/// Reads it with the code that reads what the Core API is sent, and makes of it what a gateway would
/// serve. Every problem is printed with its line and place.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Validate {
    /// The file, YAML or JSON; - is the standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Networks that targets may be in although they are not public, as for `run`
    #[arg(long, value_name = "CIDR,…", value_delimiter = ',', env = "RR_EGRESS_ALLOW")]
    egress_allow: Vec<IpNet>,
}

impl Validate {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let name = self.file.display().to_string();
        let (text, directory) = read(&self.file)?;
        let egress = EgressPolicy::allowing(self.egress_allow);
        let report = check(&text, &directory, &egress);
        let mut out = std::io::stdout().lock();
        let said = out.write_all(written(&name, &report).as_bytes()).and_then(|()| out.flush());
        said.context("cannot write")?;
        Ok(if report.is_valid() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn read(file: &Path) -> anyhow::Result<(String, PathBuf)> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the standard input is no text")?;
        return Ok((text, PathBuf::new()));
    }
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("{} cannot be read", file.display()))?;
    Ok((text, file.parent().map(Path::to_owned).unwrap_or_default()))
}

// `file:line: error: place: what`, which editors know how to follow.
fn written(file: &str, report: &Report) -> String {
    let mut text = String::new();
    for it in &report.findings {
        text.push_str(file);
        // Writing to a String does not fail.
        _ = it.line.map(|line| write!(text, ":{line}"));
        let severity = match it.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        _ = write!(text, ": {severity}: ");
        if !it.place.is_empty() {
            _ = write!(text, "{}: ", it.place);
        }
        _ = writeln!(text, "{}", it.detail);
    }
    let count = |severity| report.findings.iter().filter(|it| it.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let verdict = if errors == 0 { "valid" } else { "not valid" };
    let has: Vec<_> = report.counts.iter().map(|it| number(it.1, it.0)).collect();
    let found = [number(errors, "error"), number(warnings, "warning")].join(", ");
    let has = if has.is_empty() { "nothing".to_owned() } else { has.join(", ") };
    _ = writeln!(text, "{file}: {verdict}: {has}; {found}");
    text
}

fn number(count: usize, word: &str) -> String {
    match (count, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {word}s"),
    }
}

const AFTER_HELP: &str = "\
A file looks like this; fields are those of the Core API, but things are known by their names:

  version: 1
  client: default
  credentials:
    - name: stripe-key
      kind: target
      auth: {type: bearer, token: {env: STRIPE_KEY}}   # or {file: PATH}; never the secret itself
    - name: agent
      kind: proxy
      auth: {type: apiKey}
  targets:
    - name: stripe
      baseUrl: https://api.stripe.com
  proxies:
    - name: payments
      target: stripe
      targetCredential: stripe-key
      proxyCredentials: [agent]
      limits: {requestsPerMinute: 60}
      rules:
        - {effect: deny, methods: [DELETE]}
      filters:
        - {operation: destroy, paths: ['$.card.number']}
      meters:
        - {name: calls, type: requestCount, limits: [{window: day, max: 5000}]}

Paths of secrets are relative to the file. A variable or file that is not there is a warning: it may
be where the file will be applied.

Exit code: 0 when the file is valid, warnings or not; 1 when it is not.";
