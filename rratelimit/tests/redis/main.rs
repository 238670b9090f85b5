//! The shared store against real servers, or, where none is installed, reported as ignored.
#![cfg(test)]

mod cluster;
mod debts;
mod exact;
mod faults;
mod hammer;
mod node;
mod policy;
mod server;
mod stalls;
mod values;
mod witness;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::server::Server;

fn main() -> ExitCode {
    // One of several processes that a test starts.
    if hammer::is_asked_for() {
        hammer::run();
        return ExitCode::SUCCESS;
    }
    let is_installed = Server::is_installed();
    let trials = [
        exact::TESTS,
        cluster::TESTS,
        hammer::TESTS,
        policy::TESTS,
        faults::TESTS,
        debts::TESTS,
        stalls::TESTS,
        values::TESTS,
    ];
    let trials = trials.concat().into_iter().map(|(name, test)| {
        let trial = Trial::test(name, move || {
            test();
            Ok(())
        });
        trial.with_ignored_flag(!is_installed)
    });
    let mut arguments = Arguments::from_args();
    // They measure how long things take.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// A test, by its name.
type Test = (&'static str, fn());

/// Names tests after their functions.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) const TESTS: &[crate::Test] = &[$((stringify!($name), $name)),*];
    };
}
use tests;
