//! TEMPORARY
use crate::pattern::{Pattern, Presence};
use bytes::Bytes;
use http::HeaderMap;
/// One condition on the body.
#[derive(Clone, Debug)]
pub struct BodyCheck {
    /// x
    pub path: Pattern,
    /// x
    pub value: Option<Pattern>,
    /// x
    pub presence: Presence,
}
impl BodyCheck {
    pub(crate) fn unsupported(&self) -> Option<&'static str> {
        None
    }
}
#[derive(Debug)]
pub(crate) struct BodyPlan(Vec<BodyCheck>);
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Option<&'a str>,
    pub(crate) data: &'a Bytes,
    pub(crate) limit: usize,
}
pub(crate) struct Inspection(Vec<bool>);
pub(crate) struct NotInspectable(&'static str);
impl NotInspectable {
    pub(crate) fn reason(&self) -> &'static str {
        self.0
    }
}
impl BodyPlan {
    pub(crate) fn new(checks: Vec<BodyCheck>) -> Self {
        Self(checks)
    }
    pub(crate) fn inspect(
        &self,
        content: &Content<'_>,
        _wanted: &[usize],
    ) -> Result<Inspection, NotInspectable> {
        let _ = (content.headers, content.query, content.limit);
        let v: serde_json::Value = if content.data.is_empty() {
            serde_json::json!({})
        } else {
            serde_json::from_slice(content.data).map_err(|_| NotInspectable("not JSON"))?
        };
        Ok(Inspection(
            self.0
                .iter()
                .map(|c| {
                    let found = v.as_object().is_some_and(|o| {
                        o.iter().any(|(k, v)| {
                            c.path.is_match(k)
                                && c.value
                                    .as_ref()
                                    .is_none_or(|p| p.is_match(v.as_str().unwrap_or_default()))
                        })
                    });
                    c.presence.holds(found)
                })
                .collect(),
        ))
    }
}
impl Inspection {
    pub(crate) fn calls(&self) -> usize {
        1
    }
    pub(crate) fn may_hold(&self, _call: usize, check: usize) -> bool {
        self.0.get(check).copied().unwrap_or(false)
    }
    pub(crate) fn must_hold(&self, _call: usize, check: usize) -> bool {
        self.0.get(check).copied().unwrap_or(false)
    }
}
