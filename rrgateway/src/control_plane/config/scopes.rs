//! What hangs on a credential, target or proxy: its rules and filters, compiled once.

use std::sync::Arc;

use rrfilter::{Filter, FilterSet};
use rrrules::{Rule, RuleSet};

use crate::control_plane::config::memo::Memo;
use crate::control_plane::config::resource::{Collection, Key, Kind, digest};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::rule::effect;
use crate::control_plane::wire::text::Effect;
use crate::model::Digest;

/// Rules and filters, and the sets that they stand in.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    rules: Memo<Rule>,
    rule_sets: Memo<RuleSet>,
    filters: Memo<Filter>,
    filter_sets: Memo<FilterSet>,
}

/// What hangs on one resource, and a digest of it.
pub(crate) struct Hanging {
    pub(crate) digest: Digest,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) filters: Arc<FilterSet>,
}

impl Scopes {
    pub(crate) fn begin(&mut self) {
        let Self { rules, rule_sets, filters, filter_sets } = self;
        rules.begin();
        rule_sets.begin();
        filters.begin();
        filter_sets.begin();
    }

    pub(crate) fn settle(&mut self) {
        let Self { rules, rule_sets, filters, filter_sets } = self;
        rules.settle();
        rule_sets.settle();
        filters.settle();
        filter_sets.settle();
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
        let digest = digest([rules_digest.0.as_slice(), &filters_digest.0]);
        Ok(Hanging { digest, rules, filters })
    }

    fn rule_set(
        &mut self,
        config: &Config,
        owner: &Key,
        default: Effect,
    ) -> Result<(Digest, Arc<RuleSet>), Unservable> {
        let (mut digests, mut rules) = (Vec::new(), Vec::new());
        for it in config.list(&Collection::under(Kind::Rule, owner), 0) {
            let Some(spec) = it.spec.as_rule() else { continue };
            let rule = self.rules.get(it.digest, || {
                spec.compiled(&it.key.id).map_err(|flaw| Unservable { key: it.key.clone(), flaw })
            })?;
            digests.push(it.digest);
            rules.push((*rule).clone());
        }
        let default_word = format!("{default:?}");
        let parts = digests.iter().map(|it| it.0.as_slice());
        let digest = digest(parts.chain([default_word.as_bytes()]));
        let set = self.rule_sets.get(digest, || {
            RuleSet::new(rules, effect(default))
                .map_err(|it| Unservable::new(owner, "", it.to_string()))
        })?;
        Ok((digest, set))
    }

    fn filter_set(
        &mut self,
        config: &Config,
        owner: &Key,
    ) -> Result<(Digest, Arc<FilterSet>), Unservable> {
        let (mut digests, mut filters) = (Vec::new(), Vec::new());
        for it in config.list(&Collection::under(Kind::Filter, owner), 0) {
            let Some(spec) = it.spec.as_filter() else { continue };
            let filter = self.filters.get(it.digest, || {
                spec.compiled(&it.key.id).map_err(|flaw| Unservable { key: it.key.clone(), flaw })
            })?;
            digests.push(it.digest);
            filters.push((*filter).clone());
        }
        let digest = digest(digests.iter().map(|it| it.0.as_slice()));
        let set = self.filter_sets.get(digest, || Ok(FilterSet::new(filters)))?;
        Ok((digest, set))
    }
}
