//! Where the planes meet, and only here: revisions go down, acceptance and records go up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::model::{Record, Revision};

/// What a data plane said to the last revision it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// The revision that is being served; 0 before the first.
    pub serving: u64,
    /// The last revision that was refused, and why.
    pub rejected: Option<(u64, String)>,
}

/// The control plane's end.
#[derive(Clone, Debug)]
pub struct Publisher {
    revisions: watch::Sender<Option<Arc<Revision>>>,
    acceptance: watch::Receiver<Acceptance>,
}

/// The data plane's end.
#[derive(Debug)]
pub struct Subscription {
    revisions: watch::Receiver<Option<Arc<Revision>>>,
    acceptance: watch::Sender<Acceptance>,
}

/// A new channel. Only the newest revision is kept: a data plane that was busy skips to it.
#[must_use]
pub fn channel() -> (Publisher, Subscription) {
    let (revisions, revisions_out) = watch::channel(None);
    let (acceptance, acceptance_out) = watch::channel(Acceptance::default());
    (
        Publisher { revisions, acceptance: acceptance_out },
        Subscription { revisions: revisions_out, acceptance },
    )
}

impl Publisher {
    /// Offers `revision`. Never waits.
    pub fn publish(&self, revision: Arc<Revision>) {
        self.revisions.send_replace(Some(revision));
    }

    /// Waits until the data plane serves revision `number` (or a newer one) or refuses it; for
    /// `patience` at the most, since a write must not hang on a data plane that is away.
    pub async fn settled(&self, number: u64, patience: Duration) -> Acceptance {
        let mut acceptance = self.acceptance.clone();
        let done = acceptance.wait_for(|it| {
            it.serving >= number || it.rejected.as_ref().is_some_and(|(it, _)| *it >= number)
        });
        // Too late, or the data plane is gone: what it said last is the answer.
        _ = tokio::time::timeout(patience, done).await.map(|it| it.map(drop));
        self.acceptance()
    }

    /// What the data plane said last.
    #[must_use]
    pub fn acceptance(&self) -> Acceptance {
        self.acceptance.borrow().clone()
    }
}

impl Subscription {
    /// The next revision; `None` when the control plane is gone. Then the last one stays in force.
    pub async fn next(&mut self) -> Option<Arc<Revision>> {
        loop {
            self.revisions.changed().await.ok()?;
            if let Some(revision) = self.revisions.borrow_and_update().clone() {
                return Some(revision);
            }
        }
    }

    /// Says that revision `number` is being served.
    pub fn accept(&self, number: u64) {
        self.acceptance.send_modify(|it| it.serving = number);
    }

    /// Says that revision `number` is not, and why; the one before stays.
    pub fn reject(&self, number: u64, why: String) {
        self.acceptance.send_modify(|it| it.rejected = Some((number, why)));
    }
}

/// The data plane's end for records.
#[derive(Clone, Debug)]
pub struct Reports {
    records: mpsc::Sender<Record>,
}

/// The control plane's end for records.
#[derive(Debug)]
pub struct ReportsIn {
    records: mpsc::Receiver<Record>,
}

/// A way for records that holds `capacity` of them.
#[must_use]
pub fn reports(capacity: usize) -> (Reports, ReportsIn) {
    let (sender, records) = mpsc::channel(capacity);
    (Reports { records: sender }, ReportsIn { records })
}

impl Reports {
    /// Hands a record over without waiting; `false` when it could not be taken.
    #[must_use]
    pub fn report(&self, record: Record) -> bool {
        self.records.try_send(record).is_ok()
    }
}

impl ReportsIn {
    /// Waits for records and moves up to `most` of them into `batch`; 0 when all senders are gone.
    pub async fn receive(&mut self, batch: &mut Vec<Record>, most: usize) -> usize {
        self.records.recv_many(batch, most).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;
    use std::collections::HashMap;

    #[tokio::test]
    async fn a_busy_data_plane_skips_to_the_newest_revision() {
        let (publisher, mut subscription) = channel();
        for number in 1..=3 {
            let (proxies, callers) = (Vec::new(), HashMap::new());
            let revision = Revision { number, digest: Digest([0; 32]), proxies, callers };
            publisher.publish(Arc::new(revision));
        }
        assert_eq!(subscription.next().await.unwrap().number, 3);
        subscription.accept(3);
        assert_eq!(publisher.settled(2, Duration::ZERO).await.serving, 3);
    }

    #[tokio::test]
    async fn waiting_for_an_absent_data_plane_ends() {
        let (publisher, subscription) = channel();
        drop(subscription);
        assert_eq!(publisher.settled(1, Duration::from_secs(60)).await, Acceptance::default());
    }
}
