//! What hangs on a credential, target or proxy: its rules and filters, compiled once per content.

use std::sync::Arc;

use rrfilter::FilterSet;
use rrrules::{Rule, RuleSet};

use crate::control_plane::config::memo::Memo;
use crate::control_plane::config::resource::{Collection, Key, Kind, Resource};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::rule::effect;
use crate::control_plane::wire::text::Effect;
use crate::model::Digest;

/// The sets that rules and filters stand in. Sets that say the same are one, whatever they hang on.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    patterns: Patterns,
    /// By the content of the rules, and the default.
    rule_sets: Memo<RuleSet, (Digest, Effect)>,
    filter_sets: Memo<FilterSet>,
    /// Whether something is served. What is compiled before was compiled once already, when it was
    /// written: it waits for the first request that asks.
    is_serving: bool,
}

/// What hangs on one resource.
pub(crate) struct Hanging {
    /// Of the rules, and of the filters.
    pub(crate) digests: [Digest; 2],
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) filters: Arc<FilterSet>,
}

impl Scopes {
    /// The patterns that are in use.
    pub(crate) const fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    pub(crate) fn begin(&mut self) {
        let Self { patterns: _, rule_sets, filter_sets, is_serving: _ } = self;
        rule_sets.begin();
        filter_sets.begin();
    }

    pub(crate) fn settle(&mut self) {
        let Self { patterns: _, rule_sets, filter_sets, is_serving } = self;
        rule_sets.settle();
        filter_sets.settle();
        *is_serving = true;
    }

    /// What hangs on `owner`.
    pub(crate) fn of(
        &mut self,
        config: &Config,
        owner: &Key,
        default: Effect,
    ) -> Result<Hanging, Unservable> {
        let (rules_digest, rules) = self.rule_set(config, owner, default)?;
        let (filters_digest, filters) = self.filter_set(config, owner)?;
        Ok(Hanging { digests: [rules_digest, filters_digest], rules, filters })
    }

    fn rule_set(
        &mut self,
        config: &Config,
        owner: &Key,
        default: Effect,
    ) -> Result<(Digest, Arc<RuleSet>), Unservable> {
        let collection = Collection::under(Kind::Rule, owner);
        let digest = config.content(&collection);
        let Self { patterns, rule_sets, filter_sets: _, is_serving } = self;
        let set = rule_sets.get((digest, default), || {
            let resources: Vec<_> = config.list(&collection, 0).cloned().collect();
            if *is_serving || resources.is_empty() {
                return together(&resources, owner, default, patterns);
            }
            let patterns = patterns.clone();
            Ok(RuleSet::deferred(move || later(&resources, &patterns), effect(default)))
        })?;
        Ok((digest, set))
    }

    fn filter_set(
        &mut self,
        config: &Config,
        owner: &Key,
    ) -> Result<(Digest, Arc<FilterSet>), Unservable> {
        let collection = Collection::under(Kind::Filter, owner);
        let digest = config.content(&collection);
        let Self { patterns, filter_sets, rule_sets: _, is_serving: _ } = self;
        let set = filter_sets.get(digest, || {
            let resources = config.list(&collection, 0);
            let filters = resources.filter_map(|it| {
                let compiled = it.spec.as_filter()?.compiled(&it.key.id, patterns);
                Some(compiled.map_err(|flaw| Unservable { key: it.key.clone(), flaw }))
            });
            Ok(FilterSet::new(filters.collect::<Result<Vec<_>, _>>()?))
        })?;
        Ok((digest, set))
    }
}

/// The rules that hang on `owner`, compiled anew: for what is asked off the path of writes.
pub(crate) fn rule_set(
    config: &Config,
    owner: &Key,
    default: Effect,
    patterns: &Patterns,
) -> Result<RuleSet, Unservable> {
    let collection = Collection::under(Kind::Rule, owner);
    let resources: Vec<_> = config.list(&collection, 0).cloned().collect();
    together(&resources, owner, default, patterns)
}

fn together(
    resources: &[Arc<Resource>],
    owner: &Key,
    default: Effect,
    patterns: &Patterns,
) -> Result<RuleSet, Unservable> {
    let rules = compiled(resources, patterns)?;
    RuleSet::new(rules, effect(default)).map_err(|it| Unservable::new(owner, "", it.to_string()))
}

fn compiled(resources: &[Arc<Resource>], patterns: &Patterns) -> Result<Vec<Rule>, Unservable> {
    let rules = resources.iter().filter_map(|it| {
        let compiled = it.spec.as_rule()?.compiled(Arc::clone(&it.key.id), patterns);
        Some(compiled.map_err(|flaw| Unservable { key: it.key.clone(), flaw }))
    });
    rules.collect()
}

// Nobody waits for the reason: it is for the operator, and the set denies.
fn later(resources: &[Arc<Resource>], patterns: &Patterns) -> Result<Vec<Rule>, Unservable> {
    compiled(resources, patterns).inspect_err(|error| {
        tracing::error!(%error, "rules that were served before cannot be, and deny");
    })
}
