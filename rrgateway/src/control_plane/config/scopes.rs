//! What hangs on a credential, target or proxy: its rules and filters, compiled once per content.

use std::convert::Infallible;
use std::sync::Arc;

use rrfilter::FilterSet;
use rrrules::{Rule, RuleSet};

use crate::control_plane::config::memo::Memo;
use crate::control_plane::config::resource::{Collection, Key, Kind, Resource};
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
                return together(served(&standing, patterns), owner, default);
            }
            let patterns = patterns.clone();
            let later = move || Ok::<_, Infallible>(served(&standing, &patterns));
            Ok(RuleSet::deferred(later, effect(default)))
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

/// The rules that hang on `owner`, compiled anew: for what is asked off the path of writes. Fails
/// where one of them is no rule.
pub(crate) fn rule_set(
    config: &Config,
    owner: &Key,
    default: Effect,
    patterns: &Patterns,
) -> Result<RuleSet, Unservable> {
    let standing = config.standing(&Collection::under(Kind::Rule, owner));
    let rules = standing.iter().filter_map(|it| compiled(it, patterns));
    together(rules.collect::<Result<_, _>>()?, owner, default)
}

/// Whether `written`, if it is a rule, can be one. To be asked of all that is written: what is
/// there and is no rule is served, and denies.
pub(crate) fn check(written: &Resource, patterns: &Patterns) -> Result<(), Unservable> {
    compiled(written, patterns).transpose().map(|_| ())
}

fn together(rules: Vec<Rule>, owner: &Key, default: Effect) -> Result<RuleSet, Unservable> {
    RuleSet::new(rules, effect(default)).map_err(|it| Unservable::new(owner, "", it.to_string()))
}

// What is stored and is no rule denies everything, under its own name, and does not stand in the
// way of a write: else two of them could never be repaired.
fn served(standing: &Standing, patterns: &Patterns) -> Vec<Rule> {
    let rules = standing.iter().filter_map(|it| {
        let rule = compiled(it, patterns)?;
        Some(rule.unwrap_or_else(|error| {
            tracing::error!(%error, "a rule that is stored cannot be served, and denies everything");
            Rule::new(Arc::clone(&it.key.id), rrrules::Effect::Deny)
        }))
    });
    rules.collect()
}

fn compiled(resource: &Resource, patterns: &Patterns) -> Option<Result<Rule, Unservable>> {
    let compiled = resource.spec.as_rule()?.compiled(Arc::clone(&resource.key.id), patterns);
    Some(compiled.map_err(|flaw| Unservable { key: resource.key.clone(), flaw }))
}
