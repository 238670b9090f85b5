//! What is legal in what was written, and hardly what was meant.

use std::sync::Arc;

use rrrules::{RuleSet, Warning};
use serde_json::{Value, json};

use crate::control_plane::config::caller_lint;
use crate::control_plane::config::meter_lint::{self, Doubt};
use crate::control_plane::config::resource::{Key, Kind, Resource, Spec};
use crate::control_plane::config::response_lint;
use crate::control_plane::wire::proxy::NoAuthentication;
use crate::control_plane::wire::text::Effect;

/// What a write concerns: enough to tell what may be wrong with it, where there is time to.
#[derive(Debug)]
pub(crate) struct Concerned {
    /// The rules, where the write is about rules or about what rules hang on.
    pub(crate) rules: Option<Arc<RuleSet>>,
    written: Arc<Resource>,
    /// What was doubted while there was a secret to look at.
    secret: Option<Doubt>,
}

impl Concerned {
    pub(crate) const fn new(
        written: Arc<Resource>,
        rules: Option<Arc<RuleSet>>,
        secret: Option<Doubt>,
    ) -> Self {
        Self { rules, written, secret }
    }

    /// The warnings, as they are answered. A rule gets those that name it, or none.
    ///
    /// Compares rules with each other, which takes up to a second where there are a thousand.
    pub(crate) fn warnings(&self) -> Vec<Value> {
        let rule = self.written.spec.as_rule().map(|_| &self.written.key.id);
        let about_it = self.rules.iter().flat_map(|it| match rule {
            Some(id) => it.lint_of(id),
            None => it.lint(),
        });
        let spec = &self.written.spec;
        let mut doubts = spec.as_meter().map(meter_lint::doubts).unwrap_or_default();
        doubts.extend(spec.as_credential().and_then(caller_lint::of_credential));
        doubts.extend(spec.as_filter().and_then(response_lint::of_filter));
        doubts.extend(spec.as_proxy().into_iter().flat_map(response_lint::of_proxy));
        doubts.extend(self.secret);
        let open = self.is_open().then(open).into_iter();
        open.chain(about_it.map(|it| warning(&it))).chain(doubts.iter().map(doubt)).collect()
    }

    fn is_open(&self) -> bool {
        let proxy = self.written.spec.as_proxy();
        proxy.is_some_and(|it| it.authentication == Some(NoAuthentication::None))
    }
}

/// What the rules that a write of `resource` concerns hang on.
pub(crate) fn owner(resource: &Resource) -> Option<Key> {
    match resource.key.collection.kind {
        Kind::Rule => resource.key.collection.owner(),
        Kind::Credential | Kind::Target | Kind::Proxy => Some(resource.key.clone()),
        Kind::Filter | Kind::Meter | Kind::Configuration => None,
    }
}

/// What becomes of a request that no rule on `spec` fits; `None` where there are no rules on it.
pub(crate) const fn default_rule_effect(spec: &Spec) -> Option<Effect> {
    match spec {
        Spec::Credential(it) => Some(it.default_rule_effect),
        Spec::Target(it) => Some(it.default_rule_effect),
        Spec::Proxy(it) => Some(it.default_rule_effect),
        Spec::Rule(_) | Spec::Filter(_) | Spec::Meter(_) | Spec::Configuration(_) => None,
    }
}

/// A warning about rules, as it is answered.
pub(crate) fn warning(it: &Warning) -> Value {
    json!({"rule": it.rule, "kind": it.kind.as_str(), "detail": it.reason})
}

fn doubt(it: &Doubt) -> Value {
    json!({"rule": null, "kind": it.kind, "pointer": it.pointer, "detail": it.detail})
}

fn open() -> Value {
    json!({"rule": null, "kind": "open-to-all", "pointer": "/authentication", "detail":
        "Anybody who reaches the gateway may call this proxy, with the target's credential. Name \
         proxyCredentialIds, unless that is what you mean."})
}
