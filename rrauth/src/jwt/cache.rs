//! A policy that remembers which tokens it believed.

use std::fmt;
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::inbound::digest::KeyDigest;
use crate::jwt::error::JwtError;
use crate::jwt::jws::LONGEST_TOKEN;
use crate::jwt::key_set::{JwkSet, Revision};
use crate::jwt::policy::JwtPolicy;
use crate::jwt::verified::Verified;
use crate::random::{self, RandomUnavailable};

/// A policy with the tokens that it believed lately, so that a token shown again costs a digest and
/// no signature.
///
/// They are kept by a digest of the whole token that no other policy and no other process has; each
/// until it expires, and only for the key set that verified it. Only what was believed is kept: a
/// stranger cannot fill it. A long token takes the room of several.
pub(crate) struct CachedPolicy {
    policy: JwtPolicy,
    seeded: Sha256,
    tokens: Option<Tokens>,
}

type Tokens = Cache<KeyDigest, Entry, Kilobytes, RandomState>;

#[derive(Clone)]
struct Entry {
    keys: Revision,
    kilobytes: u64,
    verified: Verified,
}

#[derive(Clone)]
struct Kilobytes;

impl CachedPolicy {
    /// Remembers about `tokens` tokens of up to 1 KiB; 0: none.
    pub(crate) fn new(policy: JwtPolicy, tokens: usize) -> Result<Self, RandomUnavailable> {
        // A whole block of the hash, so that the tokens' own blocks are all that is hashed later.
        let mut seed = Zeroizing::new([0; 64]);
        random::fill(&mut *seed)?;
        let seeded = Sha256::new_with_prefix(seed.as_slice());
        Ok(Self { policy, seeded, tokens: None }.tokens(tokens))
    }

    /// Forgets all, and remembers that many from now on.
    pub(crate) fn tokens(self, tokens: usize) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(tokens)
            .weight_capacity(tokens as u64)
            .build();
        let cache = options.ok().filter(|_| tokens > 0).map(|options| {
            Cache::with_options(
                options,
                Kilobytes,
                RandomState::default(),
                DefaultLifecycle::default(),
            )
        });
        Self { tokens: cache, ..self }
    }

    /// The same, with nothing remembered yet, and room for that many.
    pub(crate) fn remembering(&self, tokens: usize) -> Self {
        let (policy, seeded) = (self.policy.clone(), self.seeded.clone());
        Self { policy, seeded, tokens: None }.tokens(tokens)
    }

    pub(crate) const fn policy(&self) -> &JwtPolicy {
        &self.policy
    }

    /// As [`JwtPolicy::verify`].
    pub(crate) fn verify(
        &self,
        token: &str,
        keys: &JwkSet,
        wall: Duration,
    ) -> Result<Verified, JwtError> {
        let Some(tokens) = self.tokens.as_ref().filter(|_| token.len() <= LONGEST_TOKEN) else {
            return self.policy.verify(token, keys, wall);
        };
        let digest = self.digest(token);
        if let Some(entry) = tokens.get(&digest) {
            if entry.keys == keys.revision() && entry.verified.holds_at(wall) {
                return Ok(entry.verified);
            }
            tokens.remove(&digest);
        }
        let verified = self.policy.verify(token, keys, wall)?;
        let kilobytes = token.len().div_ceil(1_024) as u64;
        tokens
            .insert(digest, Entry { keys: keys.revision(), kilobytes, verified: verified.clone() });
        Ok(verified)
    }

    fn digest(&self, token: &str) -> KeyDigest {
        KeyDigest::from_bytes(self.seeded.clone().chain_update(token).finalize().into())
    }
}

impl Weighter<KeyDigest, Entry> for Kilobytes {
    fn weight(&self, _: &KeyDigest, entry: &Entry) -> u64 {
        entry.kilobytes
    }
}

impl fmt::Debug for CachedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedPolicy").field("policy", &self.policy).finish_non_exhaustive()
    }
}
