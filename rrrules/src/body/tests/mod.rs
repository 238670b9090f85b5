//! Bodies as a whole: what a plan finds in them.

mod bounds;
mod conformance;
mod forms;
#[cfg(feature = "graphql")]
mod graphql;
mod json;
mod reference;
mod rpc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::{BodyCheck, BodyPlan, Content, Inspection, NotInspectable};
use crate::pattern::{Pattern, Presence};

/// A request, as far as it matters.
#[derive(Clone, Default)]
struct Sent<'a> {
    media: &'a str,
    coding: &'a str,
    query: Option<&'a str>,
    data: Bytes,
}

impl<'a> Sent<'a> {
    fn json(data: impl AsRef<[u8]>) -> Self {
        Self { data: Bytes::copy_from_slice(data.as_ref()), ..Self::default() }
    }

    fn form(data: &str) -> Self {
        Self { media: "application/x-www-form-urlencoded", ..Self::json(data) }
    }

    fn graphql(data: &str) -> Self {
        Self { media: "application/graphql", ..Self::json(data) }
    }

    #[cfg(feature = "graphql")]
    fn with_query(self, query: &'a str) -> Self {
        Self { query: Some(query), ..self }
    }

    fn inspect(&self, plan: &BodyPlan, wanted: &[usize]) -> Result<Inspection, NotInspectable> {
        let mut headers = HeaderMap::new();
        for (name, value) in [(CONTENT_TYPE, self.media), (CONTENT_ENCODING, self.coding)] {
            if !value.is_empty() {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let content =
            Content { headers: &headers, query: self.query, data: &self.data, limit: 1 << 20 };
        plan.inspect(&content, wanted)
    }

    /// What is found by path and value, a word for each call: `sure` makes an `Allow` hold that
    /// asks for presence, `possible` and `whole` only a `Deny`; and what is `none` or in the
    /// `whole` only is absent.
    #[track_caller]
    fn finds(&self, path: &str, value: Option<&str>) -> Result<String, &'static str> {
        let plan = BodyPlan::new(vec![
            body_check(path, value, Presence::Present),
            body_check(path, value, Presence::Absent),
        ]);
        let inspection = self.inspect(&plan, &[0, 1]).map_err(NotInspectable::reason)?;
        assert!(inspection.calls() > 0);
        Ok(words(&inspection, 0, 1))
    }
}

fn words(inspection: &Inspection, present: usize, absent: usize) -> String {
    let word = |call| {
        let holds = |check| (inspection.may_hold(call, check), inspection.must_hold(call, check));
        match (holds(present), holds(absent)) {
            ((true, true), (false, false)) => "sure",
            ((true, false), (true, false)) => "possible",
            ((true, false), (true, true)) => "whole",
            ((false, false), (true, true)) => "none",
            other => panic!("{other:?}"),
        }
    };
    (0..inspection.calls()).map(word).collect::<Vec<_>>().join(" ")
}

fn body_check(path: &str, value: Option<&str>, presence: Presence) -> BodyCheck {
    let value = value.map(pattern);
    BodyCheck { path: pattern(path), value, presence }
}

fn pattern(pattern: &str) -> Pattern {
    Pattern::new(pattern, "").unwrap()
}
