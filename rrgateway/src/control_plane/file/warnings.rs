//! What is allowed, but may not be what is meant.

use std::sync::Arc;

use rrrules::RuleSet;

use crate::control_plane::config::resource::Spec;
use crate::control_plane::config::{caller_lint, meter_lint};

/// What is odd about a set of rules: with the id of the rule, where it is one rule.
pub(crate) fn warnings_of(rules: &RuleSet) -> Vec<(Option<Arc<str>>, String)> {
    rules.lint().into_iter().map(|it| (it.rule, it.reason)).collect()
}

/// What is odd about a resource: where in it, and why.
pub(crate) fn about(spec: &Spec) -> Vec<(&'static str, &'static str)> {
    let meter = spec.as_meter().map(meter_lint::doubts).unwrap_or_default();
    let credential = spec.as_credential().and_then(caller_lint::of_credential);
    let doubts = meter.into_iter().chain(credential).map(|it| (it.pointer, it.detail));
    of_proxy(spec).into_iter().chain(doubts).collect()
}

fn of_proxy(spec: &Spec) -> Option<(&'static str, &'static str)> {
    let proxy = spec.as_proxy()?;
    if proxy.authentication.is_some() {
        return Some(("/authentication", "anybody may call this proxy"));
    }
    let is_closed = proxy.proxy_credential_ids.is_empty();
    is_closed
        .then_some(("/proxyCredentialIds", "nobody may call this proxy: it names no credential"))
}
