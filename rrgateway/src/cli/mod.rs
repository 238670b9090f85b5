//! The command line.

mod client;
mod demo;
mod explain;
mod explained;
mod run;
mod validate;
mod vault;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Lets agents, applications and developers call third-party APIs without ever handing them the
/// real credentials.
#[derive(Debug, Parser)]
#[command(name = "rrgateway", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Run(run::Run),
    Explain(explain::Explain),
    Validate(validate::Validate),
    Vault(vault::Vault),
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(demo) => demo.execute(),
        Command::Run(run) => run.execute(),
        Command::Explain(explain) => explain.execute(),
        Command::Validate(validate) => validate.execute(),
        Command::Vault(vault) => vault.execute(),
    };
    done.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

#[expect(clippy::print_stderr, reason = "the log may not be running yet, and this is for people")]
fn complain(error: &anyhow::Error) {
    eprintln!("rrgateway: {error:#}");
}

const AFTER_HELP: &str = "\
Start here:
  rrgateway demo              see one request through each outcome, then try it with curl
  rrgateway run               serve: callers on 127.0.0.1:8080, the Core API on 127.0.0.1:8081
  rrgateway explain --help    ask a running gateway why it refuses a request, or lets it pass
  rrgateway validate -f F     check a file of configuration without a gateway
  rrgateway vault rotate      give a running gateway's secrets a new master key

After `run`, configure it over HTTP with the token in ./rr-data/admin.token;
the API is described at http://127.0.0.1:8081/docs.";
