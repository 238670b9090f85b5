//! What a rule asks of the parts of a request that are not known.

use std::collections::BTreeSet;

use crate::body::BodyCheck;
use crate::comparable::Comparable;
use crate::header::HeaderCheck;
use crate::query_check::QueryCheck;
use crate::rule::{Effect, Rule};
use crate::subject::Reading;

/// A rule that may fit: all that is known fits, and this is to be known yet.
#[derive(Debug)]
pub(super) struct Open<'a> {
    pub(super) effect: Effect,
    headers: &'a [HeaderCheck],
    query: Vec<&'a QueryCheck>,
    names_are_known: bool,
    body: &'a [BodyCheck],
    lacks_body: bool,
}

impl<'a> Open<'a> {
    pub(super) fn of(rule: &'a Rule, reading: &Reading<'_>) -> Self {
        let lacks = reading.lacks();
        let is_open = |check: &&QueryCheck| match reading.query() {
            _ if lacks.query => true,
            Ok(query) => lacks.query_values && check.asks_for_values(query),
            // Decided: it has no reading.
            Err(_) => false,
        };
        Self {
            effect: rule.effect,
            headers: if lacks.headers { &rule.headers } else { &[] },
            query: rule.query.iter().filter(is_open).collect(),
            names_are_known: !lacks.query,
            body: &rule.body,
            lacks_body: lacks.body,
        }
    }

    /// Whether it denies where the body cannot be inspected, whatever its effect.
    pub(super) const fn looks_at_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// Whether the two fit the same requests, of those of which the same is known.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        let of_query = |one: &Self, other: &Self| {
            one.query.iter().all(|it| other.query.iter().any(|other| it.is_alike(other)))
        };
        self.effect == other.effect
            && are_among(self.headers, other.headers)
            && are_among(other.headers, self.headers)
            && of_query(self, other)
            && of_query(other, self)
            && are_among(self.body, other.body)
            && are_among(other.body, self.body)
    }

    /// Adds what would have to be known to say whether it fits.
    pub(super) fn needs(&self, needs: &mut BTreeSet<String>) {
        needs.extend(self.headers.iter().map(|it| it.name.to_string()));
        for QueryCheck { name, value, .. } in &self.query {
            needs.insert(match value {
                Some(_) if self.names_are_known => format!("value of {name}"),
                Some(_) | None => name.to_string(),
            });
        }
        if !self.body.is_empty() {
            // A body can be known and still not be read.
            let what = if self.lacks_body { "body" } else { "headers and query to read the body" };
            needs.insert(what.to_owned());
        }
    }
}

fn are_among<T: Comparable>(some: &[T], others: &[T]) -> bool {
    some.iter().all(|it| others.iter().any(|other| it.is_alike(other)))
}
