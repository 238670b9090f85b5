//! The thread that keeps a store's connection: it connects, probes, says that this node is alive,
//! and gives back what nobody waits for.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::answer::{self, Answer, Beat};
use super::counters::count;
use super::shared::Shared;
use super::update::{Batch, Update};

/// Runs until all who could give something back are gone.
pub(crate) async fn run(shared: Arc<Shared>, client: Client, mut updates: Receiver<Update>) {
    loop {
        let Some(kept) = connect(&shared, &client, &mut updates).await else { return };
        update(&shared, kept).await;
        if serve(&shared, &mut updates).await.is_none() {
            leave(&shared).await;
            return;
        }
    }
}

/// Probes until the store answers; with one probe at a time, and a pause between them that grows
/// and that no two nodes have in common, a store that comes back is not met by a crowd.
///
/// What is to be told to the store waits until then, as far as there is room.
async fn connect(
    shared: &Shared,
    client: &Client,
    updates: &mut Receiver<Update>,
) -> Option<Vec<Update>> {
    let (mut kept, mut pause) = (Vec::new(), FIRST_PAUSE);
    loop {
        shared.link.probing();
        let probe = timeout(PROBE, probe(shared, client)).await.ok().flatten();
        let answers = probe.is_some();
        let closes = shared.link.probed(probe);
        if closes {
            shared.tell();
        }
        if answers {
            return Some(kept);
        }
        count(&shared.counters.failed_calls);
        let pausing = sleep(pause + jitter(pause));
        tokio::pin!(pausing);
        loop {
            tokio::select! {
                () = &mut pausing => break,
                it = updates.recv() => match it? {
                    it if kept.len() < MOST_KEPT => kept.push(it),
                    _ => count(&shared.counters.lost_updates),
                }
            }
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A store that answers, but may not be written to, does not get through this.
async fn probe(shared: &Shared, client: &Client) -> Option<MultiplexedConnection> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(PROBE)).set_response_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.ok()?;
    let answer = shared.scripts.beat.run(&mut connection, &shared.beat()).await.ok()?;
    shared.heard(Beat::read(&answer)?).map(|_| connection)
}

/// Until the breaker opens (some), or nobody is left to serve (none).
async fn serve(shared: &Shared, updates: &mut Receiver<Update>) -> Option<()> {
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
            _ = expiries.tick() => {
                let expired = shared.expired_leases();
                update(shared, expired).await;
            }
            _ = renewals.tick() => renew(shared).await,
            received = updates.recv_many(&mut batch, LARGEST_BATCH) => {
                if received == 0 {
                    return None;
                }
                update(shared, std::mem::take(&mut batch)).await;
            }
        }
    }
}

async fn beat(shared: &Shared) {
    if let Some(beat) = shared.call(&shared.scripts.beat, &shared.beat(), Beat::read).await {
        shared.heard(beat);
    }
}

async fn update(shared: &Shared, mut updates: Vec<Update>) {
    while !updates.is_empty() {
        let some = updates.split_off(updates.len().saturating_sub(LARGEST_BATCH));
        let Batch { adds, returns } = Batch::of(some);
        let (added, returned) = (adds.keys.len(), returns.keys.len());
        let read = |it: &_| Answer::read(it, added);
        if added > 0 && shared.call(&shared.scripts.take, &adds, read).await.is_none() {
            lost(shared, added);
        }
        if returned > 0 {
            let done = shared.call(&shared.scripts.refund, &returns, answer::done).await;
            if done.is_none() {
                lost(shared, returned);
            }
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
async fn leave(shared: &Shared) {
    update(shared, shared.all_leases()).await;
    _ = shared.call(&shared.scripts.leave, &shared.beat(), answer::done).await;
}

fn jitter(of: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 256;
    of.mul_f64(f64::from(u8::try_from(random).unwrap_or(0)) / 1_024.0)
}

/// Connecting, and a first answer.
const PROBE: Duration = Duration::from_millis(250);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const EXPIRES_EVERY: Duration = Duration::from_millis(100);
const LARGEST_BATCH: usize = 128;
/// What the store is to be told while it is gone.
const MOST_KEPT: usize = 65_536;
