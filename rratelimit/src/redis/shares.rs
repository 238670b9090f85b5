//! A node's own part of a policy: the limits that are shared out while the store is gone.

use std::collections::HashMap;
use std::sync::Mutex;

use smallvec::SmallVec;

use super::lock::lock;
use super::request::Request;
use crate::charge::{Charge, Charged, Receipt};
use crate::key::Key;
use crate::policy::{Limit, Policy};
use crate::window::Mark;
use crate::window::Window;

/// Remembers the parts it has made: they are asked for by each request.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    // By where the policy is, which of its limits, and how many nodes; with the policy, so that it
    // stays where it is.
    made: Mutex<HashMap<Which, (Policy, Policy)>>,
}

type Which = (usize, SmallVec<[usize; 3]>, u64);
pub(crate) type Parts = SmallVec<[(Policy, Key, u64); 2]>;

impl Shares {
    /// The part of each charge that is made of those limits that `is_in` (by their place among all
    /// that are asked), for one of so many nodes.
    pub(crate) fn parts(
        &self,
        request: &Request,
        is_in: impl Fn(usize) -> bool,
        nodes: u64,
    ) -> Parts {
        let mut parts = Parts::new();
        for (at, charged) in request.charges.iter().enumerate() {
            let of_this = |(place, limit): (usize, &(usize, usize))| {
                (limit.0 == at && is_in(place)).then_some(limit.1)
            };
            let limits: SmallVec<[usize; 3]> = request
                .places()
                .enumerate()
                .filter_map(|(place, it)| of_this((place, &it)))
                .collect();
            if !limits.is_empty() {
                let policy = self.part_of(&charged.policy, limits, nodes);
                parts.push((policy, charged.key, charged.cost));
            }
        }
        parts
    }

    fn part_of(&self, policy: &Policy, limits: SmallVec<[usize; 3]>, nodes: u64) -> Policy {
        if nodes <= 1 && limits.len() == policy.limits().len() {
            return policy.clone();
        }
        let which = (policy.address(), limits, nodes);
        let mut made = lock(&self.made);
        if let Some((_, part)) = made.get(&which) {
            return part.clone();
        }
        let chosen = which.1.iter().filter_map(|it| policy.limits().get(*it));
        let part = policy.with_limits(chosen.map(|it| share_of(it, nodes)));
        if made.len() >= MOST_MADE {
            made.clear();
        }
        made.insert(which, (policy.clone(), part.clone()));
        part
    }
}

/// A receipt for this node's own limiter; `None` where nothing came from there.
pub(crate) fn receipt(parts: &Parts, marks: SmallVec<[Mark; 3]>) -> Option<Receipt> {
    let charged = |(policy, key, cost): &(Policy, Key, u64)| Charged {
        policy: policy.clone(),
        key: *key,
        cost: *cost,
        is_shared: false,
    };
    let charges: SmallVec<_> = parts.iter().map(charged).collect();
    (!charges.is_empty()).then_some(Receipt { charges, marks })
}

pub(crate) fn charges(parts: &Parts) -> SmallVec<[Charge<'_>; 2]> {
    parts.iter().map(|(policy, key, cost)| Charge { policy, key: *key, cost: *cost }).collect()
}

fn share_of(limit: &Limit, nodes: u64) -> Limit {
    let window = match limit.window() {
        Window::TokenBucket { per, burst } => {
            Window::TokenBucket { per, burst: part(burst, nodes) }
        }
        other @ (Window::Sliding(_)
        | Window::Fixed(_)
        | Window::CalendarDay
        | Window::CalendarMonth
        | Window::Concurrency) => other,
    };
    Limit::new(limit.name().clone(), part(limit.max(), nodes), window)
}

/// One of `nodes` equal parts; of less than that, each node has one: service goes on.
pub(crate) fn part(of: u64, nodes: u64) -> u64 {
    if of == 0 { 0 } else { (of / nodes.max(1)).max(1) }
}

const MOST_MADE: usize = 1_024;
