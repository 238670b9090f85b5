//! What is known of tokens, and what is being asked.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use rrcore::Now;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::inbound::digest::KeyDigest;
use crate::inbound::verify::Unproved;
use crate::introspection::answer::Active;
use crate::random::{self, RandomUnavailable};

/// What was said of a token.
pub(super) type Said = Result<Active, Unproved>;

/// What comes of a question that is on its way; `None`: nothing yet.
pub(super) type Asked = watch::Receiver<Option<Said>>;

/// Answers and open questions, by a digest of the whole token that no other instance has.
pub(super) struct Memory {
    seeded: Sha256,
    slots: Cache<KeyDigest, Slot, Kilobytes, RandomState>,
}

#[derive(Clone)]
pub(super) enum Slot {
    Asked(Asked),
    Known(Arc<Known>),
}

pub(super) struct Known {
    pub(super) said: Said,
    /// Until when it is believed, by the monotonic clock.
    pub(super) until: Duration,
    pub(super) kilobytes: u64,
}

#[derive(Clone)]
pub(super) struct Kilobytes;

impl Memory {
    /// Room for that many answers of up to 1 KiB.
    pub(super) fn new(tokens: usize) -> Result<Self, RandomUnavailable> {
        // A whole block of the hash, so that the tokens' own blocks are all that is hashed later.
        let mut seed = Zeroizing::new([0; 64]);
        random::fill(&mut *seed)?;
        // Open questions need some room, whatever else is remembered.
        let tokens = tokens.max(LEAST_ROOM);
        let mut options = OptionsBuilder::new();
        let options = options.estimated_items_capacity(tokens).weight_capacity(tokens as u64);
        let (hasher, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        let slots = match options.build() {
            Ok(options) => Cache::with_options(options, Kilobytes, hasher, lifecycle),
            // Both capacities are set.
            Err(_) => Cache::with(tokens, tokens as u64, Kilobytes, hasher, lifecycle),
        };
        Ok(Self { seeded: Sha256::new_with_prefix(seed.as_slice()), slots })
    }

    pub(super) fn digest(&self, token: &str) -> KeyDigest {
        KeyDigest::from_bytes(self.seeded.clone().chain_update(token).finalize().into())
    }

    /// What is known, or asked already.
    pub(super) fn get(&self, digest: &KeyDigest, now: Now) -> Option<Slot> {
        self.slots.get(digest).filter(|it| it.holds_at(now))
    }

    pub(super) fn insert(&self, digest: KeyDigest, slot: Slot) {
        self.slots.insert(digest, slot);
    }

    pub(super) fn remove(&self, digest: &KeyDigest) {
        self.slots.remove(digest);
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}

impl Slot {
    fn holds_at(&self, now: Now) -> bool {
        match self {
            // Without one who asks (a runtime that is gone), nothing would ever come.
            Self::Asked(asked) => asked.has_changed().is_ok() || asked.borrow().is_some(),
            Self::Known(known) => {
                let ends = known.said.as_ref().ok().and_then(|it| it.ends);
                now.monotonic < known.until && ends.is_none_or(|ends| now.wall < ends)
            }
        }
    }
}

impl Weighter<KeyDigest, Slot> for Kilobytes {
    fn weight(&self, _: &KeyDigest, slot: &Slot) -> u64 {
        match slot {
            Slot::Asked(_) => 1,
            Slot::Known(known) => known.kilobytes,
        }
    }
}

const LEAST_ROOM: usize = 64;
