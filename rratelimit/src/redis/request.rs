//! What a request is charged, limit by limit, in a form that can wait for an answer.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::leases::LeaseId;
use super::names::Names;
use super::outbox::Owed;
use super::script::Run;
use super::terms::Terms;
use crate::charge::{Charge, Charged, Receipt};
use crate::decision::{Decision, Left, Standing};
use crate::policy::{Limit, StoreFailure};
use crate::store::Unavailable;
use crate::time::nanos;
use crate::window::Mark;
use crate::window::Window;

/// All charges of a request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) charges: SmallVec<[Charged; 1]>,
    /// One for each limit of each policy, in that order.
    pub(crate) asked: SmallVec<[Asked; 3]>,
}

/// What is asked of one limit.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Which charge it is of, and which limit of its policy.
    pub(crate) at: (usize, usize),
    pub(crate) id: LeaseId,
    pub(crate) terms: Terms,
    pub(crate) cost: u64,
    pub(crate) binds: bool,
    pub(crate) on_failure: StoreFailure,
    pub(crate) capacity: u64,
    /// What is waited for room that will never be: the limit's window.
    pub(crate) forever: Duration,
}

impl Request {
    pub(crate) fn new(charges: &[Charge<'_>], permits_last: Duration) -> Self {
        let mut asked = SmallVec::new();
        for (charge_at, charge) in charges.iter().enumerate() {
            let policy = charge.policy;
            for (limit_at, limit) in policy.limits().iter().enumerate() {
                let at = (charge_at, limit_at);
                let binds = !policy.is_observed();
                asked.push(Asked::new(at, charge, limit, binds, permits_last));
            }
        }
        let charged = |it: &Charge<'_>| Charged {
            policy: it.policy.clone(),
            key: it.key,
            cost: it.cost,
            is_shared: false,
        };
        Self { charges: charges.iter().map(charged).collect(), asked }
    }

    /// What was asked of the limits in `receipt`, each with its mark.
    pub(crate) fn of_receipt(receipt: &Receipt, permits_last: Duration) -> Self {
        let charges: SmallVec<[Charge<'_>; 2]> = receipt.charges().collect();
        Self::new(&charges, permits_last)
    }

    /// For `take.lua`, to see what it would answer.
    pub(crate) fn ahead(&self, names: &Names, owed: &[(usize, Owed)]) -> Run {
        let mut run = Run::default();
        run.number(0);
        run.text("");
        run.count(self.asked.len());
        for it in &self.asked {
            run.keys.push(names.of(it.id));
            it.terms.push_on(&mut run, it.cost, it.binds, 0, 1);
        }
        push_owed(names, owed, &mut run);
        run
    }

    /// For `take.lua`; `permit` is the name of all permits of the request, and of what is left no
    /// more than one part in `share` is leased. What is `owed` counts with it.
    pub(crate) fn run(
        &self,
        names: &Names,
        permit: u64,
        (extra, share): (&[u64], u64),
        owed: &[(usize, Owed)],
    ) -> Run {
        let mut run = Run::default();
        run.number(1);
        run.name(names.permit(permit));
        run.count(self.asked.len());
        for (it, extra) in self.asked.iter().zip(extra) {
            run.keys.push(names.of(it.id));
            it.terms.push_on(&mut run, it.cost, it.binds, *extra, share);
        }
        push_owed(names, owed, &mut run);
        run
    }

    pub(crate) fn standing(&self, left: impl IntoIterator<Item = Left>) -> Standing {
        let mut standing = Standing::default();
        self.charges.iter().for_each(|it| standing.push_policy(&it.policy));
        left.into_iter().for_each(|it| standing.push(it));
        standing
    }

    pub(crate) fn allowed(&self, left: &[Left], marks: SmallVec<[Mark; 3]>) -> Decision {
        let receipt = Receipt { charges: self.charges.clone(), marks };
        Decision::Allowed { standing: self.standing(left.iter().copied()), receipt }
    }

    /// Which charge each is of, and which limit of its policy.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.asked.iter().map(|it| it.at)
    }

    pub(crate) fn unavailable(&self, asked: &Asked) -> Unavailable {
        let limit = self.limit(asked);
        Unavailable::new(limit.map_or_else(|| "".into(), |it| Arc::clone(it.name())))
    }

    pub(crate) fn limit(&self, asked: &Asked) -> Option<&Limit> {
        let (charge, limit) = asked.at;
        self.charges.get(charge)?.policy.limits().get(limit)
    }

    pub(crate) fn refused(&self, left: &[Left]) -> Decision {
        let binding = self.asked.iter().zip(left).filter(|(it, _)| it.binds);
        let wait = binding.filter_map(|(_, it)| it.wait).max().unwrap_or(0);
        let retry_after = Duration::from_nanos(wait);
        Decision::Refused { retry_after, standing: self.standing(left.iter().copied()) }
    }
}

fn push_owed(names: &Names, owed: &[(usize, Owed)], run: &mut Run) {
    if owed.is_empty() {
        return;
    }
    run.keys.push(names.told());
    for (at, Owed { number, units, mark }) in owed {
        run.count(at + 1);
        run.number(*number);
        run.number(*units);
        match mark {
            Some(mark) => run.number(*mark),
            None => run.text("now"),
        }
    }
}

impl Asked {
    fn new(
        at: (usize, usize),
        charge: &Charge<'_>,
        limit: &Limit,
        binds: bool,
        permits_last: Duration,
    ) -> Self {
        let terms = Terms::of(limit, permits_last);
        let forever = match limit.window() {
            Window::Concurrency => Duration::from_secs(1),
            Window::Sliding(_)
            | Window::Fixed(_)
            | Window::CalendarDay
            | Window::CalendarMonth
            | Window::TokenBucket { .. } => limit.window().length(),
        };
        Self {
            at,
            id: LeaseId { key: charge.key, limit: limit.id() },
            terms,
            cost: if terms.is_concurrency() { 1 } else { charge.cost },
            binds,
            on_failure: limit.store_failure(),
            capacity: limit.capacity(),
            forever,
        }
    }

    /// Nothing is known of it, and nothing stands in the way.
    pub(crate) const fn unknown(&self) -> Left {
        Left { remaining: self.capacity, reset: 0, wait: None }
    }

    /// There is none of it, for so long.
    pub(crate) fn spent(&self, remaining: u64, reset: Duration, wait: Duration) -> Left {
        Left { remaining, reset: nanos(reset), wait: Some(nanos(wait)) }
    }
}
