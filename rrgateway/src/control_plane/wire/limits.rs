//! How often a proxy may be called, over all who may.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::Node;

/// As it is stored and answered. `None` is no limit, 0 lets nothing pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Limits {
    #[serde(default)]
    pub(crate) requests_per_minute: Option<u64>,
    #[serde(default)]
    pub(crate) requests_per_day: Option<u64>,
    /// Requests that may be under way at one time.
    #[serde(default)]
    pub(crate) concurrency: Option<u64>,
    /// Whether a request counts that a later stage refuses.
    #[serde(default = "counted")]
    pub(crate) count_refused: bool,
    /// Whether answers carry `X-RateLimit-*` too.
    #[serde(default)]
    pub(crate) legacy_headers: bool,
    /// How often each of the limits was taken away: given again, it counts anew. Not shown.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(crate) generations: [u64; 3],
}

impl Limits {
    /// No limit at all.
    pub(crate) const NONE: Self = Self {
        requests_per_minute: None,
        requests_per_day: None,
        concurrency: None,
        count_refused: true,
        legacy_headers: false,
        generations: [0; 3],
    };

    /// Takes the place of `old`.
    pub(crate) fn succeed(&mut self, old: &Self) {
        let pairs = self.each().into_iter().zip(old.each());
        let gone = pairs.map(|(new, old)| u64::from(new.is_none() && old.is_some()));
        let before = old.generations.into_iter();
        for ((to, gone), before) in self.generations.iter_mut().zip(gone).zip(before) {
            *to = before + gone;
        }
    }

    /// The limits, in the order of their generations.
    pub(crate) const fn each(&self) -> [Option<u64>; 3] {
        [self.requests_per_minute, self.requests_per_day, self.concurrency]
    }

    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let requests_per_minute = fields.optional("requestsPerMinute", |it| it.integer(MOST));
        let requests_per_day = fields.optional("requestsPerDay", |it| it.integer(MOST));
        let concurrency = fields.optional("concurrency", |it| it.integer(MOST));
        let count_refused = fields.or("countRefused", true, Node::boolean);
        let legacy_headers = fields.or("legacyHeaders", false, Node::boolean);
        fields.close();
        Some(Self {
            requests_per_minute: requests_per_minute?,
            requests_per_day: requests_per_day?,
            concurrency: concurrency?,
            count_refused: count_refused?,
            legacy_headers: legacy_headers?,
            generations: [0; 3],
        })
    }
}

fn is_first(generations: &[u64; 3]) -> bool {
    *generations == [0; 3]
}

const fn counted() -> bool {
    true
}

/// The largest number that the structured fields of the limit headers can hold (RFC 9651 §3.3.1).
pub(crate) const MOST: RangeInclusive<u64> = 0..=999_999_999_999_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_and_given_again_is_another() {
        let given = Limits { requests_per_minute: Some(1), ..Limits::NONE };
        let after = |old: &Limits, mut new: Limits| {
            new.succeed(old);
            new
        };
        let changed = after(&given, Limits { requests_per_minute: Some(2), ..Limits::NONE });
        assert_eq!(changed.generations, [0, 0, 0]);
        let gone = after(&changed, Limits::NONE);
        let again = after(&after(&gone, Limits::NONE), given);
        assert_eq!(again.generations, [1, 0, 0]);
        assert_eq!(after(&again, given).generations, [1, 0, 0]);
    }

    #[test]
    fn what_an_older_gateway_stored_is_read() {
        let older = r#"{"requestsPerMinute":1,"requestsPerDay":null}"#;
        let limits: Limits = serde_json::from_str(older).unwrap();
        assert_eq!(limits, Limits { requests_per_minute: Some(1), ..Limits::NONE });
    }
}
