//! The `rrgateway` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    rrgateway::cli::main()
}
