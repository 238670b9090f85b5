//! What was spent, and what would be, as the store has it: asked by somebody who wants to know, and decides nothing.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use redis::Value;

use super::answer::{Answer, number};
use super::leases::LeaseId;
use super::names::Names;
use super::script::Run;
use super::terms::Terms;
use crate::key::Key;
use crate::policy::Policy;

/// A question for the worker: the thread that puts it cannot wait for a network by itself.
#[derive(Debug)]
pub(crate) enum Look {
    /// What was spent.
    Back {
        /// Each with how many limits it asks of.
        runs: Vec<(Run, usize)>,
        tell: SyncSender<Vec<Spent>>,
    },
    /// What would be answered, of so many limits.
    Ahead { run: Run, limits: usize, tell: SyncSender<Answer> },
}

/// Of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) units: u64,
    /// Until there is room for more than now, if anybody knows.
    pub(crate) more_in: Option<Duration>,
}

impl Look {
    pub(crate) fn back(
        asked: &[(&Policy, Key)],
        names: &Names,
        permits_last: Duration,
        tell: SyncSender<Vec<Spent>>,
    ) -> Self {
        let of_policy = |(policy, key): &(&Policy, Key)| {
            let of_limit = |limit: &crate::policy::Limit| {
                let id = LeaseId { key: *key, limit: limit.id() };
                (names.of(id), Terms::of(limit, permits_last))
            };
            policy.limits().iter().map(of_limit).collect::<Vec<_>>()
        };
        let limits: Vec<_> = asked.iter().flat_map(of_policy).collect();
        let run = |some: &[(Vec<u8>, Terms)]| {
            let mut run = Run::default();
            for (name, terms) in some {
                run.keys.push(name.clone());
                terms.push_whole_on(&mut run);
            }
            (run, some.len())
        };
        Self::Back { runs: limits.chunks(AT_ONCE).map(run).collect(), tell }
    }
}

impl Spent {
    pub(crate) fn read(value: &Value, limits: usize) -> Option<Vec<Self>> {
        let Value::Array(values) = value else { return None };
        let read = |both: &[Value]| {
            let [units, more_in] = both else { return None };
            let more_in = number(more_in).map(Duration::from_micros)?;
            Some(Self { units: number(units)?, more_in: Some(more_in).filter(|it| !it.is_zero()) })
        };
        let spent: Vec<_> = values.chunks(2).map(read).collect::<Option<_>>()?;
        (spent.len() == limits).then_some(spent)
    }
}

/// Limits of one script: the store does nothing else meanwhile.
const AT_ONCE: usize = 100;
