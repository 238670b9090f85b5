//! What audit records and activity can be asked for.

use crate::control_plane::config::activity::Action;
use crate::control_plane::store::reader::Select;

/// Which audit records; newest first. What is `None` does not narrow down.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordQuery<'a> {
    pub(crate) client: &'a str,
    pub(crate) proxy: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) received: Span,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<&'a str>,
    pub(crate) stage: Option<&'a str>,
    pub(crate) credential: Option<&'a str>,
    pub(crate) method: Option<&'a str>,
    pub(crate) path_prefix: Option<&'a str>,
    pub(crate) min_duration_ms: Option<i64>,
}

/// Which activity; newest first. What is `None` does not narrow down.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActivityQuery<'a> {
    pub(crate) at: Span,
    /// The word for it.
    pub(crate) kind: Option<&'static str>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) action: Option<Action>,
}

/// From `after` on, and before `before`: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) after: Option<i64>,
    pub(crate) before: Option<i64>,
}

impl RecordQuery<'_> {
    /// Up to `limit` of them, kept before position `before`.
    pub(crate) fn select(&self, before: Option<u64>, limit: usize) -> Select {
        Select::newest("record", before, limit)
            .text("client = ?", Some(self.client))
            .text("proxy = ?", self.proxy)
            .text("id = ?", self.id)
            .number("received_ms >= ?", self.received.after)
            .number("received_ms < ?", self.received.before)
            .number("status = ?", self.status.map(i64::from))
            .text("code = ?", self.code)
            .text("stage = ?", self.stage)
            .text("credential = ?", self.credential)
            .text("method = ?", self.method)
            .text("instr(path, ?) = 1", self.path_prefix)
            .number("duration_ms >= ?", self.min_duration_ms)
    }
}

impl ActivityQuery<'_> {
    /// Up to `limit` items, written down before position `before`.
    pub(crate) fn select(&self, before: Option<u64>, limit: usize) -> Select {
        Select::newest("activity", before, limit)
            .number("at_ms >= ?", self.at.after)
            .number("at_ms < ?", self.at.before)
            .text("kind = ?", self.kind)
            .text("resource = ?", self.resource)
            .text("action = ?", self.action.map(Action::word))
    }
}
