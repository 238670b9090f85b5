//! A policy that remembers which tokens it believed.

use std::fmt;
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use crate::inbound::digest::KeyDigest;
use crate::inbound::verify::ShownToken;
use crate::jwt::error::JwtError;
use crate::jwt::jws::LONGEST_TOKEN;
use crate::jwt::key_set::{JwkSet, Revision};
use crate::jwt::mark::Marker;
use crate::jwt::policy::JwtPolicy;
use crate::jwt::verified::Verified;

/// A policy with the tokens that it believed lately, so that a token shown again costs a digest and
/// no signature.
///
/// They are kept by a digest of the whole token: its SHA-256 where that has been taken already, as an index
/// does that knows anybody, and what costs less where it has not. Each is kept until it expires, and only for
/// this policy and the key set that verified it. Only what was believed is kept: a stranger cannot fill it.
/// A long token takes the room of several.
pub(crate) struct CachedPolicy {
    policy: JwtPolicy,
    // None: nothing is remembered.
    tokens: Option<Tokens>,
    // None: they go by their SHA-256.
    marker: Option<Marker>,
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
    pub(crate) fn new(policy: JwtPolicy, tokens: usize) -> Self {
        // Without randomness there is still the other digest.
        let marker = Marker::new().ok();
        Self { policy, tokens: None, marker }.tokens(tokens)
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
        Self::new(self.policy.clone(), tokens)
    }

    pub(crate) const fn policy(&self) -> &JwtPolicy {
        &self.policy
    }

    /// As [`JwtPolicy::verify`], of a token with this digest.
    pub(crate) fn verify(
        &self,
        token: ShownToken<'_>,
        keys: &JwkSet,
        wall: Duration,
    ) -> Result<Verified, JwtError> {
        let length = token.as_bytes().len();
        let Some(tokens) = self.tokens.as_ref().filter(|_| length <= LONGEST_TOKEN) else {
            return self.policy.verify(token.expose(), keys, wall);
        };
        let digest = &self.digest(token);
        if let Some(entry) = tokens.get(digest) {
            if entry.keys == keys.revision() && entry.verified.holds_at(wall) {
                return Ok(entry.verified);
            }
            tokens.remove(digest);
        }
        let verified = self.policy.verify(token.expose(), keys, wall)?;
        let kilobytes = length.div_ceil(1_024) as u64;
        let entry = Entry { keys: keys.revision(), kilobytes, verified: verified.clone() };
        tokens.insert(*digest, entry);
        Ok(verified)
    }

    fn digest(&self, token: ShownToken<'_>) -> KeyDigest {
        match (token.taken().get(), &self.marker) {
            (None, Some(marker)) => marker.of(token.as_bytes()),
            (Some(_), _) | (_, None) => *token.digest(),
        }
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
