//! Tells connections to finish: first politely, then at once.

use std::time::Duration;

use tokio::sync::watch;

/// The end that is told to finish. Cheap to clone: one per connection.
#[derive(Clone, Debug)]
pub struct Drain {
    draining: watch::Receiver<bool>,
    // Held by everything that has not finished; the drainer waits for the last one.
    _alive: watch::Sender<()>,
}

/// The end that tells.
#[derive(Debug)]
pub struct Drainer {
    draining: watch::Sender<bool>,
    alive: watch::Receiver<()>,
}

/// A new pair.
#[must_use]
pub fn drain() -> (Drainer, Drain) {
    let (draining, draining_out) = watch::channel(false);
    let (alive, alive_out) = watch::channel(());
    (Drainer { draining, alive: alive_out }, Drain { draining: draining_out, _alive: alive })
}

impl Drain {
    /// Resolves once draining begins, or when the drainer is gone.
    pub async fn begun(&mut self) {
        _ = self.draining.wait_for(|it| *it).await;
    }
}

impl Drainer {
    /// Asks all to finish, and waits until they have, for `grace` at the most. `true` when all
    /// finished in time.
    pub async fn finish(mut self, grace: Duration) -> bool {
        self.draining.send_replace(true);
        // `changed` fails once every holder of a `Drain` is gone.
        let gone = async { while self.alive.changed().await.is_ok() {} };
        tokio::time::timeout(grace, gone).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finishing_waits_for_the_last_holder() {
        let (drainer, mut drain) = drain();
        let connection = tokio::spawn(async move { drain.begun().await });
        assert!(drainer.finish(Duration::from_secs(30)).await);
        connection.await.unwrap();
    }

    #[tokio::test]
    async fn a_holder_that_does_not_finish_is_not_waited_for_for_ever() {
        let (drainer, _held) = drain();
        assert!(!drainer.finish(Duration::from_millis(1)).await);
    }
}
