//! Begins to count, where the operator says.

use std::path::Path;
use std::sync::Arc;

use rratelimit::Limiter;
use rrcore::Clock;

use crate::data_plane::limits::config::{LimitsConfig, StoreUrl};
use crate::data_plane::limits::counts::Counts;
use crate::data_plane::limits::keeper::Kept;
use crate::data_plane::limits::measures::Counting;
use crate::data_plane::limits::notices::Notices;
use crate::data_plane::limits::room::Room;
use crate::data_plane::limits::standing::Standing;
use crate::telemetry::Metrics;

/// What counts.
#[derive(Debug)]
pub struct Started {
    /// For limits and meters.
    pub counting: Counting,
    /// For what each gateway counts for itself.
    pub limiter: Arc<Limiter>,
    /// Which limits are nearly used up.
    pub notices: Notices,
    /// What is written down in the data directory; of a shared store, nothing.
    pub kept: Option<Kept>,
}

impl Started {
    /// Counts as `config` says, on with what is in `directory`; how that does is in `metrics`.
    ///
    /// # Errors
    /// When what was counted cannot be taken over, or the store cannot be what it is said to be.
    /// Not when a shared store does not answer: limits say what holds then.
    pub fn new(
        config: &LimitsConfig,
        directory: &Path,
        clock: &Clock,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let started = Self::unmeasured(config, directory, clock)?;
        metrics.add(Standing {
            counts: started.counting.counts.clone(),
            limiter: Arc::clone(&started.limiter),
            notices: started.notices.clone(),
            max_keys: config.max_keys,
        });
        Ok(started)
    }

    fn unmeasured(config: &LimitsConfig, directory: &Path, clock: &Clock) -> anyhow::Result<Self> {
        let on_store_failure = config.on_store_failure.0;
        let notices = Notices::default();
        if let Some(url) = &config.store {
            let counts = shared(config, url, notices.clone(), clock.clone())?;
            let limiter = Arc::new(limiter(config));
            let counting = Counting { counts, rolls: Default::default(), on_store_failure };
            return Ok(Self { counting, limiter, notices, kept: None });
        }
        let (telling, read) = (notices.clone(), clock.clone());
        let room = Room::of(config.max_keys, notices.clone());
        let kept = Kept::open(directory, clock, room, || {
            limiter(config).on_threshold(move |crossing| telling.note(crossing, &read))
        })?;
        let limiter = Arc::clone(&kept.limiter);
        let counts = Counts::Local(Arc::clone(&limiter));
        let counting = Counting { counts, rolls: kept.rolls.clone(), on_store_failure };
        Ok(Self { counting, limiter, notices, kept: Some(kept) })
    }
}

fn limiter(config: &LimitsConfig) -> Limiter {
    Limiter::with_capacity(config.max_keys).on_capacity(config.on_capacity.0)
}

#[cfg(feature = "redis")]
fn shared(
    config: &LimitsConfig,
    url: &StoreUrl,
    notices: Notices,
    clock: Clock,
) -> anyhow::Result<Counts> {
    use anyhow::Context as _;
    use rratelimit::{RedisStore, Seed};
    use sha2::{Digest as _, Sha256};

    use crate::data_plane::limits::config::StoreMode;

    // Gateways know each other's keys by what they have in common, and others do not know.
    let seed: [u8; 32] = Sha256::digest(url.expose()).into();
    let (seed, _) = seed.split_at(16);
    let seed = <[u8; 16]>::try_from(seed).map(Seed::new)?;
    seed.install().context("limits.store: this process counts elsewhere already")?;
    let (of_store, told) = (notices.clone(), clock.clone());
    let builder = RedisStore::builder(url.expose())
        .client("default")
        .timeout(config.timeout)
        .max_keys(config.max_keys)
        .on_change(move |state| of_store.note_store(state, &told))
        .on_threshold(move |crossing| notices.note(crossing, &clock));
    let builder = match config.mode {
        StoreMode::Exact => builder,
        StoreMode::Leases => builder.leases(config.slice, LEASES_LAST),
    };
    Ok(Counts::Shared(builder.start().context("limits.store")?))
}

/// What is leased and not spent goes back after this.
#[cfg(feature = "redis")]
const LEASES_LAST: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(not(feature = "redis"))]
fn shared(_: &LimitsConfig, _: &StoreUrl, _: Notices, _: Clock) -> anyhow::Result<Counts> {
    anyhow::bail!("limits.store: this gateway was built without the feature redis")
}
