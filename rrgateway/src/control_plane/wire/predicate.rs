//! Which requests a meter is about.

use std::sync::Arc;

use rrrules::{Effect as Judged, Rule, RuleSet};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::criteria::Criteria;
use crate::control_plane::wire::fields::{Flaw, Node};
use crate::control_plane::wire::patterns::Patterns;
use crate::model::Applies;

/// As it is stored and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Predicate {
    pub(crate) effect: Inclusion,
    #[serde(flatten)]
    pub(crate) criteria: Criteria,
}

/// Whether what fits is metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Inclusion {
    Include,
    Exclude,
}

impl Predicate {
    /// Reads what a client sent: the criteria of a rule, in either of their spellings.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let words = [("include", Inclusion::Include), ("exclude", Inclusion::Exclude)];
        let effect = fields.required("effect", |it| it.word(&words));
        let criteria = Criteria::read(&mut fields);
        fields.close();
        Some(Self { effect: effect?, criteria: criteria? })
    }
}

/// What `predicates` say together, of `patterns`.
///
/// What has several readings, or cannot be read, is metered: it is included if any reading is, and
/// excluded only by the strict one. Rules do just that, where an inclusion is a `deny` and an
/// exclusion an `allow`.
pub(crate) fn applies(predicates: &[Predicate], patterns: &Patterns) -> Result<Applies, Flaw> {
    let of = |inclusion, effect: Judged, default: Judged| {
        let those = predicates.iter().enumerate().filter(|(_, it)| it.effect == inclusion);
        let rules = those.map(|(index, it)| {
            let rule = Rule::new(index.to_string(), effect);
            let compiled = it.criteria.asked_by(rule, patterns);
            compiled.map_err(|flaw| {
                Flaw::new(format!("/predicates/{index}{}", flaw.pointer), flaw.detail)
            })
        });
        let rules: Vec<_> = rules.collect::<Result<_, _>>()?;
        if rules.is_empty() {
            return Ok(None);
        }
        let set = RuleSet::new(rules, default);
        set.map(|it| Some(Arc::new(it))).map_err(|it| Flaw::new("/predicates", it.to_string()))
    };
    Ok(Applies {
        included: of(Inclusion::Include, Judged::Deny, Judged::Allow)?,
        excluded: of(Inclusion::Exclude, Judged::Allow, Judged::Deny)?,
    })
}
