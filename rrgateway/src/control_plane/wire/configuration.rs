//! What holds for a whole client: limits of new proxies, the status of denials, how long records stay.

use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::Node;
use crate::control_plane::wire::limits::Limits;

/// As it is stored and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Configuration {
    /// Copied into a new proxy that gives none.
    pub(crate) limits: Limits,
    /// 400 or 403.
    pub(crate) rule_deny_status: u16,
    pub(crate) audit_retention_days: u64,
    /// How often a client address may show a wrong credential. `None`: 30 where passwords are
    /// accepted, else any number of times.
    #[serde(default)]
    pub(crate) auth_failures_per_minute: Option<u64>,
}

impl Configuration {
    /// What holds until somebody says otherwise.
    pub(crate) const fn first() -> Self {
        Self {
            limits: Limits::NONE,
            rule_deny_status: 400,
            audit_retention_days: 90,
            auth_failures_per_minute: None,
        }
    }

    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let first = Self::first();
        let mut fields = node.object()?;
        let limits = fields.or("limits", first.limits, Limits::read);
        let status =
            fields.or("ruleDenyStatus", first.rule_deny_status, |it| it.number(&DENY_STATUSES));
        let days = fields.or("auditRetentionDays", first.audit_retention_days, |it| {
            it.integer(1..=LONGEST_RETENTION)
        });
        let failures = fields.optional("authFailuresPerMinute", |it| it.integer(1..=MOST_FAILURES));
        fields.close();
        Some(Self {
            limits: limits?,
            rule_deny_status: status?,
            audit_retention_days: days?,
            auth_failures_per_minute: failures?,
        })
    }
}

const MOST_FAILURES: u64 = 1_000_000;
const DENY_STATUSES: [u16; 2] = [400, 403];
/// Days: ten years.
pub(crate) const LONGEST_RETENTION: u64 = 3_650;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn what_is_left_out_is_as_at_first() {
        assert_eq!(read("{}").unwrap(), Configuration::first());
        let given = read(r#"{"limits":{"requestsPerDay":0},"ruleDenyStatus":403}"#).unwrap();
        let limits = Limits { requests_per_day: Some(0), ..Limits::NONE };
        assert_eq!((given.limits, given.rule_deny_status), (limits, 403));
        assert_eq!(given.audit_retention_days, 90);
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check(r#"{"ruleDenyStatus":404}"#, "/ruleDenyStatus: expected 400 or 403");
        check(r#"{"ruleDenyStatus":"403"}"#, "/ruleDenyStatus: expected 400 or 403");
        check(
            r#"{"auditRetentionDays":0}"#,
            "/auditRetentionDays: expected a whole number from 1 to 3650",
        );
        check(
            r#"{"limits":{"requestsPerHour":1}}"#,
            "/limits/requestsPerHour: there is no such field here (there are: requestsPerMinute, \
             requestsPerDay, concurrency, countRefused, legacyHeaders)",
        );
        check(
            r#"{"maxBodyBytes":1}"#,
            "/maxBodyBytes: there is no such field here (there are: limits, ruleDenyStatus, \
             auditRetentionDays, authFailuresPerMinute)",
        );
    }

    #[track_caller]
    fn check(document: &str, expected: &str) {
        assert_eq!(read(document).unwrap_err(), expected);
    }

    fn read(document: &str) -> Result<Configuration, String> {
        let json = Json::parse(document.as_bytes()).unwrap();
        Flaws::read(json, Configuration::read)
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
