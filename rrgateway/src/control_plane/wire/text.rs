//! Small things that several resources are written with: names, effects, times.

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Fields, Node};

/// What a rule decides, or a scope where no rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// Where something is; there is one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Region {
    Local,
}

impl Effect {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("allow", Self::Allow), ("deny", Self::Deny)];
}

pub(crate) fn name(fields: &mut Fields<'_>) -> Option<String> {
    fields.required("name", |it| it.text(1..=200))
}

pub(crate) fn region(fields: &mut Fields<'_>) -> Option<Region> {
    fields.or("region", Region::Local, |it| it.word(&[("local", Region::Local)]))
}

pub(crate) fn default_rule_effect(fields: &mut Fields<'_>) -> Option<Effect> {
    fields.or("defaultRuleEffect", Effect::Allow, |it| it.word(&Effect::WORDS))
}

/// An RFC 3339 time, as milliseconds since the Unix epoch.
pub(crate) fn time(node: Node<'_>) -> Option<i64> {
    node.parsed(1..=64, |text| millis(&text))
}

/// An RFC 3339 time, as milliseconds since the Unix epoch.
pub(crate) fn millis(text: &str) -> Result<i64, &'static str> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_millisecond)
        .map_err(|_| "expected a time such as 2030-01-31T12:00:00.000Z")
}

/// Milliseconds since the Unix epoch as RFC 3339 in UTC, with milliseconds.
pub(crate) fn rfc3339(millis: i64) -> String {
    // Out of jiff's range lie only years beyond 9999.
    let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    format!("{time:.3}")
}

// Methods are case-sensitive (RFC 9110 §9.1): a rule against `delete` would let DELETE pass.
pub(crate) fn method(text: &str) -> Result<Method, String> {
    let upper = text.to_ascii_uppercase();
    let method =
        Method::from_bytes(text.as_bytes()).map_err(|_| "this is not a method".to_owned())?;
    if upper != text && KNOWN.contains(&upper.as_str()) {
        return Err(format!("methods are case-sensitive: write {upper}"));
    }
    Ok(method)
}

const KNOWN: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_700_000_000_120), "2023-11-14T22:13:20.120Z");
        assert_eq!(rfc3339(i64::MAX).get(..4), Some("9999"));
    }
}
