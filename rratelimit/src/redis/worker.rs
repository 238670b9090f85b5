//! The thread that keeps a store's connection: it connects, probes, says that this node is alive,
//! and gives back what nobody waits for.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::answer::{self, Beat};
use super::breaker::BreakerState;
use super::connection::{Connection, Place};
use super::counters::count;
use super::debts::lates;
use super::lock::lock;
use super::look::Look;
use super::shared::Shared;
use super::trouble::StoreTrouble;
use super::untold::Untold;
use super::update::{LARGEST_BATCH, Update};

/// Runs until all who could give something back are gone.
pub(crate) async fn run(
    shared: Arc<Shared>,
    place: Place,
    mut updates: Receiver<Update>,
    mut looks: Receiver<Look>,
) {
    let mut untold = Untold::new(shared.permits_last);
    let (mut pause, mut is_told) = (Duration::ZERO, false);
    loop {
        let connected = connect(&shared, &place, &mut updates, &mut untold, (pause, is_told));
        if connected.await.is_none() {
            return;
        }
        let since = shared.clock.monotonic();
        untold.released.doubt(since + shared.link.timeout());
        tell(&shared, &mut untold).await;
        pay(&shared).await;
        if serve(&shared, &mut updates, &mut looks, &mut untold).await.is_none() {
            leave(&shared, untold).await;
            return;
        }
        shared.tell(BreakerState::Open);
        is_told = true;
        // What answers probes and little else is not to be asked all the time.
        let is_steady = shared.clock.monotonic().saturating_sub(since) >= STEADY;
        pause = if is_steady { Duration::ZERO } else { longer(pause) };
    }
}

/// Probes until the store answers; with one probe at a time, and a pause between them that grows
/// and that no two nodes have in common, a store that comes back is not met by a crowd.
///
/// What is to be told to the store waits until then, as far as there is room. That there is none
/// is told when the first probe fails, unless that is known (`is_told`).
async fn connect(
    shared: &Shared,
    place: &Place,
    updates: &mut Receiver<Update>,
    untold: &mut Untold,
    (mut pause, mut is_told): (Duration, bool),
) -> Option<()> {
    loop {
        let pausing = sleep(pause + jitter(pause));
        tokio::pin!(pausing);
        loop {
            tokio::select! {
                biased;
                () = &mut pausing => break,
                it = updates.recv() => keep(shared, untold, [it?]),
            }
        }
        shared.link.probing();
        let probe = timeout(place.patience(), probe(shared, place)).await;
        let probe = probe.unwrap_or(Err(StoreTrouble::Silent));
        let answers = probe.is_ok();
        let closes = shared.link.probed(probe);
        if closes {
            shared.tell(BreakerState::Closed);
        }
        if answers {
            return Some(());
        }
        count(&shared.counters.failed_calls);
        if !std::mem::replace(&mut is_told, true) {
            // That it was never reached is an outage too.
            count(&shared.counters.opened);
            shared.tell(BreakerState::Open);
        }
        lock(&shared.debts).forget_over(shared.clock.monotonic());
        pause = longer(pause);
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE)
}

/// A store that answers, but may not be written to, does not get through this.
async fn probe(shared: &Shared, place: &Place) -> Result<Connection, StoreTrouble> {
    let trouble = |error| StoreTrouble::of(&error);
    let mut connection = place.connect().await.map_err(trouble)?;
    let beat = shared.beat();
    let answer = shared.scripts.beat.run(&mut connection, &beat).await.map_err(trouble)?;
    let beat = Beat::read(&answer).ok_or(StoreTrouble::Nonsense)?;
    shared.heard(beat).map(|_| connection).ok_or(StoreTrouble::ForeignSeed)
}

/// Until the breaker opens (some), or nobody is left to serve (none).
async fn serve(
    shared: &Shared,
    updates: &mut Receiver<Update>,
    looks: &mut Receiver<Look>,
    untold: &mut Untold,
) -> Option<()> {
    let mut beats = interval(shared.beat_every);
    let mut expiries = interval(EXPIRES_EVERY);
    let mut renewals = interval(shared.permits_last / 3);
    for it in [&mut beats, &mut expiries, &mut renewals] {
        it.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = shared.link.opened() => return Some(()),
            _ = beats.tick() => beat(shared).await,
            _ = expiries.tick() => expire_and_tell(shared, untold).await,
            _ = renewals.tick() => renew(shared).await,
            Some(look) = looks.recv() => shared.answer(look).await,
            received = updates.recv_many(&mut batch, LARGEST_BATCH) => {
                if received == 0 {
                    return None;
                }
                keep(shared, untold, batch.drain(..));
                tell(shared, untold).await;
            }
        }
    }
}

/// Tells also what there was no answer to before.
async fn expire_and_tell(shared: &Shared, untold: &mut Untold) {
    expire(shared, untold).await;
    tell(shared, untold).await;
    pay(shared).await;
}

/// In steps: answers that requests wait for come in on this thread, too.
async fn expire(shared: &Shared, untold: &mut Untold) {
    loop {
        let (expired, has_more) = shared.expired_leases();
        keep(shared, untold, expired);
        if !has_more {
            return;
        }
        tell(shared, untold).await;
        yield_now().await;
    }
}

async fn beat(shared: &Shared) {
    if let Some(beat) = shared.call(&shared.scripts.beat, &shared.beat(), Beat::read).await {
        shared.heard(beat);
    }
}

fn keep(shared: &Shared, untold: &mut Untold, updates: impl IntoIterator<Item = Update>) {
    let now = shared.clock.monotonic();
    for update in updates {
        if !untold.keep(update, now) {
            count(&shared.counters.lost_updates);
        }
    }
}

/// Tells what nobody waits for. What is not confirmed stays, and is told again.
async fn tell(shared: &Shared, untold: &mut Untold) {
    while let Some(run) = untold.released.next(shared.clock.monotonic()) {
        if shared.call(&shared.scripts.release, &run, answer::done).await.is_none() {
            return;
        }
        untold.released.confirmed(run.keys.len(), shared.clock.monotonic());
    }
    while let Some(run) = untold.next(shared.names.told()) {
        if shared.call(&shared.scripts.refund, &run, answer::done).await.is_none() {
            return;
        }
        lock(&shared.outbox).confirmed(untold.confirmed());
    }
}

/// Tells what passed while the store could not be asked. What it may have heard is not told again;
/// what it has not, is kept.
async fn pay(shared: &Shared) {
    let debts = lock(&shared.debts).take();
    let mut lates = lates(debts);
    while !lates.is_empty() {
        if shared.link.state() != BreakerState::Closed {
            let lost_now = lock(&shared.debts).put_back(lates);
            return lost(shared, lost_now);
        }
        let some = lates.split_off(lates.len().saturating_sub(LARGEST_BATCH));
        let run = shared.late(&some);
        if shared.call(&shared.scripts.late, &run, answer::done).await.is_none() {
            lost(shared, some.len());
        }
    }
}

fn lost(shared: &Shared, updates: usize) {
    let updates = u64::try_from(updates).unwrap_or(u64::MAX);
    shared.counters.lost_updates.fetch_add(updates, Relaxed);
}

async fn renew(shared: &Shared) {
    for run in shared.renewals() {
        // What is not renewed lapses, and is renewed again when the store is back.
        if shared.call(&shared.scripts.renew, &run, answer::done).await.is_none() {
            return;
        }
    }
}

/// The last thing a node does, as far as it comes to it: what it does not do, lapses.
async fn leave(shared: &Shared, mut untold: Untold) {
    tell(shared, &mut untold).await;
    for some in shared.all_leases().chunks(LARGEST_BATCH) {
        keep(shared, &mut untold, some.iter().cloned());
        tell(shared, &mut untold).await;
    }
    pay(shared).await;
    _ = shared.call(&shared.scripts.leave, &shared.beat(), answer::done).await;
}

fn jitter(of: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 256;
    of.mul_f64(f64::from(u8::try_from(random).unwrap_or(0)) / 1_024.0)
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// For so long a store has to answer to be one that was lost by chance.
const STEADY: Duration = Duration::from_secs(1);
const EXPIRES_EVERY: Duration = Duration::from_millis(100);
