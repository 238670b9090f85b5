//! What is on its way to the store, and what of it is spent: who asks for more must not get ahead of
//! that.

use std::collections::{HashMap, VecDeque};

use tokio::sync::mpsc::Sender;

use super::leases::LeaseId;
use super::update::Update;

/// Bounded by the queue to the worker and by what that keeps.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Gone when nobody is left who could decide.
    sender: Option<Sender<Update>>,
    newest: u64,
    /// Of which limits those are that are not confirmed, oldest first.
    order: VecDeque<(u64, LeaseId)>,
    of: HashMap<LeaseId, VecDeque<Owed>>,
}

/// Units that are spent, and that the store may not have counted yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owed {
    /// By which the store knows whether it has.
    pub(crate) number: u64,
    pub(crate) units: u64,
    /// Of which window, if that is not the one that it is when the store hears of it.
    pub(crate) mark: Option<u64>,
}

impl Outbox {
    pub(crate) fn new(sender: Sender<Update>) -> Self {
        let (order, of) = (VecDeque::new(), HashMap::new());
        Self { sender: Some(sender), newest: 0, order, of }
    }

    /// Hands it to the worker; says whether there was room.
    pub(crate) fn send(&mut self, id: LeaseId, mut update: Update) -> bool {
        let Some(sender) = &self.sender else { return false };
        let number = self.newest + 1;
        let spent = update.change.spent();
        update.number = if spent.is_some() { number } else { 0 };
        if sender.try_send(update).is_err() {
            return false;
        }
        if let Some((units, mark)) = spent {
            self.newest = number;
            self.order.push_back((number, id));
            self.of.entry(id).or_default().push_back(Owed { number, units, mark });
        }
        true
    }

    /// What the store may not know of one limit. Of very much, which there is after it was gone, the
    /// newest: it hears of the rest any moment.
    pub(crate) fn owed(&self, id: LeaseId) -> impl Iterator<Item = Owed> {
        self.of.get(&id).into_iter().flatten().rev().take(MOST_OWED).copied()
    }

    /// The store has confirmed what has this number, and what came before.
    pub(crate) fn confirmed(&mut self, number: u64) {
        while let Some((_, id)) = self.order.front().copied().filter(|it| it.0 <= number) {
            self.order.pop_front();
            let Some(owed) = self.of.get_mut(&id) else { continue };
            owed.pop_front();
            if owed.is_empty() {
                self.of.remove(&id);
            }
        }
    }

    /// Nobody is left who could decide: the worker ends when it has told what is in the queue.
    pub(crate) fn close(&mut self) {
        self.sender = None;
    }
}

const MOST_OWED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::policy::Limit;
    use crate::redis::terms::Terms;
    use crate::redis::update::Change;
    use std::time::Duration;
    use tokio::sync::mpsc::channel;

    #[test]
    fn what_is_spent_is_owed_until_it_is_confirmed() {
        let (sender, _updates) = channel(9);
        let mut outbox = Outbox::new(sender);
        assert!(send(&mut outbox, 1, Change::Add(3)));
        assert!(send(&mut outbox, 2, Change::Add(4)));
        assert!(send(&mut outbox, 1, Change::GiveBack { mark: 7, units: -5 }));
        assert!(send(&mut outbox, 1, Change::GiveBack { mark: 7, units: 5 }), "that is not spent");
        assert_eq!((owed(&outbox, 1), owed(&outbox, 2)), (vec![(3, 5), (1, 3)], vec![(2, 4)]));
        outbox.confirmed(2);
        assert_eq!((owed(&outbox, 1), owed(&outbox, 2)), (vec![(3, 5)], vec![]));
        outbox.confirmed(3);
        assert!(outbox.of.is_empty() && outbox.order.is_empty());
    }

    #[test]
    fn what_is_lost_is_not_owed() {
        let (sender, _updates) = channel(1);
        let mut outbox = Outbox::new(sender);
        assert!(send(&mut outbox, 1, Change::Add(3)));
        assert!(!send(&mut outbox, 1, Change::Add(3)));
        assert_eq!(owed(&outbox, 1), [(1, 3)]);
        outbox.close();
        assert!(!send(&mut outbox, 1, Change::Add(3)));
    }

    fn send(outbox: &mut Outbox, limit: u64, change: Change) -> bool {
        let terms = Terms::of(&Limit::calendar_day("a", 9), Duration::ZERO);
        outbox.send(id(limit), Update { name: Vec::new(), terms, change, number: 0 })
    }

    fn owed(outbox: &Outbox, limit: u64) -> Vec<(u64, u64)> {
        outbox.owed(id(limit)).map(|it| (it.number, it.units)).collect()
    }

    fn id(limit: u64) -> LeaseId {
        LeaseId { key: Key::of(&["a"]), limit }
    }
}
