//! What hangs on a credential, target or proxy: its rules and filters, compiled once per content.

use std::sync::Arc;

use rrfilter::FilterSet;
use rrrules::{Rule, RuleSet};

use crate::control_plane::config::memo::Memo;
use crate::control_plane::config::resource::{Collection, Key, Kind};
use crate::control_plane::config::snapshot::{Config, Standing};
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

    /// What was made is served: what changes from now on is compiled when it is written.
    pub(crate) const fn settle(&mut self) {
        self.is_serving = true;
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
        let standing = config.standing(&collection);
        let digest = standing.digest;
        let Self { patterns, rule_sets, filter_sets: _, is_serving } = self;
        let set = rule_sets.get((digest, default), || {
            if *is_serving || standing.is_empty() {
                return together(&standing, owner, default, patterns);
            }
            let patterns = patterns.clone();
            Ok(RuleSet::deferred(move || later(&standing, &patterns), effect(default)))
        })?;
        Ok((digest, set))
    }

    fn filter_set(
        &mut self,
        config: &Config,
        owner: &Key,
    ) -> Result<(Digest, Arc<FilterSet>), Unservable> {
        let collection = Collection::under(Kind::Filter, owner);
        let standing = config.standing(&collection);
        let digest = standing.digest;
        let Self { patterns, filter_sets, rule_sets: _, is_serving: _ } = self;
        let set = filter_sets.get(digest, || {
            let filters = standing.iter().filter_map(|it| {
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
    together(&config.standing(&collection), owner, default, patterns)
}

fn together(
    standing: &Standing,
    owner: &Key,
    default: Effect,
    patterns: &Patterns,
) -> Result<RuleSet, Unservable> {
    let rules = compiled(standing, patterns)?;
    RuleSet::new(rules, effect(default)).map_err(|it| Unservable::new(owner, "", it.to_string()))
}

fn compiled(standing: &Standing, patterns: &Patterns) -> Result<Vec<Rule>, Unservable> {
    let rules = standing.iter().filter_map(|it| {
        let compiled = it.spec.as_rule()?.compiled(Arc::clone(&it.key.id), patterns);
        Some(compiled.map_err(|flaw| Unservable { key: it.key.clone(), flaw }))
    });
    rules.collect()
}

// Nobody waits for the reason: it is for the operator, and the set denies.
fn later(standing: &Standing, patterns: &Patterns) -> Result<Vec<Rule>, Unservable> {
    compiled(standing, patterns).inspect_err(|error| {
        tracing::error!(%error, "rules that were served before cannot be, and deny");
    })
}
