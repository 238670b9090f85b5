//! Whether a token that was active still is, for what it has opened and what lasts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rrcore::{Now, Validity};
use zeroize::Zeroizing;

use crate::inbound::verify::Unproved;
use crate::introspection::asker::{Asker, Opinion};
use crate::introspection::memory::{Asked, Said};

/// A token in use. It asks as often as somebody who showed it time and again would have it asked, but
/// where answers are hardly remembered, no more than once in [`PACE`].
pub(super) struct InUse {
    asker: Arc<Asker>,
    token: Zeroizing<Box<str>>,
    known: Mutex<Known>,
}

struct Known {
    /// What was asked, until there is an answer, and when.
    asked: Option<(Asked, Now)>,
    /// When to look again, by the monotonic clock.
    next: Duration,
    /// When it was last known to be active.
    active_at: Duration,
    is_over: bool,
}

impl InUse {
    /// The token was active at this time.
    pub(super) fn new(asker: Arc<Asker>, token: &str, now: Now) -> Self {
        let mut known =
            Known { asked: None, next: Duration::ZERO, active_at: now.monotonic, is_over: false };
        known.put_off(&asker, now);
        Self { asker, token: Zeroizing::new(Box::from(token)), known: Mutex::new(known) }
    }

    pub(super) fn shared(self) -> Arc<dyn Validity> {
        Arc::new(self)
    }
}

impl Validity for InUse {
    fn holds(&self, now: Now) -> bool {
        // It is whole between any two statements.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.asked.is_none() && known.next <= now.monotonic && !known.is_over {
            match self.asker.opinion(&self.token, now) {
                Opinion::Known(said) => known.learn(&self.asker, &said, (now, now)),
                Opinion::Asked(asked) => known.asked = Some((asked, now)),
            }
        }
        if let Some((asked, at)) = &known.asked {
            let (said, at) = (asked.borrow().clone(), *at);
            match said {
                Some(said) => known.learn(&self.asker, &said, (at, now)),
                // Whoever asked is gone, with what it ran on.
                None if asked.has_changed().is_err() => known.asked = None,
                None => {}
            }
        }
        let silence = now.monotonic.saturating_sub(known.active_at);
        !known.is_over && silence < self.asker.policy.cache.saturating_add(PATIENCE)
    }
}

impl Known {
    fn learn(&mut self, asker: &Asker, said: &Said, (at, now): (Now, Now)) {
        self.asked = None;
        self.put_off(asker, now);
        match said {
            Ok(_) => self.active_at = at.monotonic,
            Err(Unproved::Invalid(_) | Unproved::Expired(_)) => self.is_over = true,
            Err(Unproved::Unavailable(_)) => {}
        }
    }

    // While an answer is remembered, a look costs nobody a question.
    fn put_off(&mut self, asker: &Asker, now: Now) {
        let pace = if asker.policy.cache < PACE { PACE } else { LOOK };
        self.next = now.monotonic.saturating_add(pace);
    }
}

const LOOK: Duration = Duration::from_secs(1);
const PACE: Duration = Duration::from_secs(5);
/// For how long beyond [`cache`](crate::IntrospectionPolicy::cache) what lasts may go on where nobody
/// can tell.
const PATIENCE: Duration = Duration::from_secs(60);
