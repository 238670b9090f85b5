//! Logs, on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging at the levels that `RUST_LOG` names, or at `default`. Does nothing when a
/// subscriber is in place already.
pub fn init(format: LogFormat, default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let is_human = match format {
        LogFormat::Auto => stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = if is_human {
        builder.with_ansi(stderr().is_terminal()).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    // An embedder's own subscriber is as good.
    _ = started;
}
