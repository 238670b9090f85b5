//! Two sets of rules, and what each makes of the same requests.

use std::collections::BTreeSet;

use rrcore::Scope;

use crate::diff::described::{Described, Nothing};
use crate::diff::outcome::{Cause, Outcome};
use crate::diff::ruling::Ruling;
use crate::rule::Effect;
use crate::rule_set::RuleSet;

/// The rules of the four scopes, all of which must allow.
#[derive(Clone, Debug)]
#[must_use]
pub struct Scopes {
    // In the order of `Scope::ALL`.
    sets: [RuleSet; 4],
}

/// What four scopes say together.
enum Answer<'a> {
    /// They are not asked: the query is malformed.
    Refused,
    /// In the order of `Scope::ALL`.
    Judged([Ruling<'a>; 4]),
}

/// What `after` instead of `before` would make of each of `requests`, one at a time.
///
/// ```
/// use http::Method;
/// use rrrules::{CanonicalPath, Counts, Described, Effect, Outcome, RuleSet, Scopes, diff};
///
/// let before = Scopes::from(RuleSet::allow_all());
/// let after = Scopes::from(RuleSet::from_json(
///     r#"{"defaultRuleEffect": "allow", "rules": [
///         {"effect": "deny", "methods": ["DELETE"], "headers": [{"name": "x-guest"}]},
///         {"effect": "deny", "path": {"pattern": "^/admin(/|$)"}}]}"#,
/// )?);
/// let request = |method, path: &str| CanonicalPath::parse(path).map(|it| Described::new(method, it));
/// let requests =
///     [request(Method::GET, "/a")?, request(Method::GET, "/admin")?, request(Method::DELETE, "/a")?];
///
/// let outcomes: Vec<_> = diff(&before, &after, requests).map(|(_, outcome)| outcome).collect();
/// assert_eq!(outcomes[0], Outcome::Same(Effect::Allow));
/// assert!(matches!(outcomes[1], Outcome::Flips { to: Effect::Deny, .. }));
/// assert_eq!(outcomes[2], Outcome::Undecidable { needs: vec!["header x-guest".to_owned()] });
///
/// let counts: Counts = outcomes.iter().collect();
/// assert_eq!((counts.same, counts.newly_denied, counts.undecidable), (1, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn diff<I: IntoIterator<Item = Described>>(
    before: &Scopes,
    after: &Scopes,
    requests: I,
) -> impl Iterator<Item = (Described, Outcome)> {
    requests.into_iter().map(move |request| {
        let outcome = before.compare(after, &request);
        (request, outcome)
    })
}

impl Scopes {
    /// No rules in any scope, and everything may go on.
    pub fn allow_all() -> Self {
        Self { sets: Scope::ALL.map(|_| RuleSet::allow_all()) }
    }

    /// With `rules` in `scope`.
    pub fn scope(mut self, scope: Scope, rules: RuleSet) -> Self {
        for (set, _) in self.sets.iter_mut().zip(Scope::ALL).filter(|(_, it)| *it == scope) {
            set.clone_from(&rules);
        }
        self
    }

    /// What `after` instead of these would make of `request`.
    #[must_use]
    pub fn compare(&self, after: &Self, request: &Described) -> Outcome {
        let (before, after) = (self.answer(request), after.answer(request));
        match (before.effect(), after.effect()) {
            (Some(from), Some(to)) if from == to => Outcome::Same(to),
            (Some(from), Some(to)) => {
                let by = match to {
                    Effect::Deny => after.denial(),
                    Effect::Allow => before.denial().map(|it| after.instead_of(it)),
                };
                // Nobody is denied without a cause.
                let by = by.unwrap_or(Cause::MalformedQuery);
                Outcome::Flips { from, to, by }
            }
            (None, _) | (_, None) => match before.is_alike(&after) {
                true => Outcome::SameEitherWay,
                false => undecidable(before.rulings().iter().chain(after.rulings())),
            },
        }
    }

    fn answer(&self, request: &Described) -> Answer<'_> {
        let nothing = Nothing::default();
        let reading = request.reading(&nothing);
        // As the layer does: before any rule is asked.
        if self.sets.iter().any(RuleSet::looks_at_query) && reading.query().is_err() {
            return Answer::Refused;
        }
        Answer::Judged(self.sets.each_ref().map(|it| Ruling::of(it, &reading)))
    }
}

impl<'a> Answer<'a> {
    /// `None`: it depends on what is not known.
    fn effect(&self) -> Option<Effect> {
        if self.denial().is_some() {
            return Some(Effect::Deny);
        }
        let is_sure = |it: &Ruling<'_>| matches!(it, Ruling::Sure(..));
        self.rulings().iter().all(is_sure).then_some(Effect::Allow)
    }

    /// What denies for sure: in the first scope that does.
    fn denial(&self) -> Option<Cause> {
        let rulings = match self {
            Self::Refused => return Some(Cause::MalformedQuery),
            Self::Judged(rulings) => rulings,
        };
        rulings.iter().zip(Scope::ALL).find_map(|(ruling, scope)| match ruling {
            Ruling::Sure(Effect::Deny, Some(rule)) => Some(Cause::Rule(scope, rule.clone())),
            Ruling::Sure(Effect::Deny, None) => Some(Cause::Default(scope)),
            Ruling::Sure(Effect::Allow, _) | Ruling::Unsure { .. } => None,
        })
    }

    /// What allows where `denial` did not: a rule in the place of a default, or that it is gone.
    fn instead_of(&self, denial: Cause) -> Cause {
        let Cause::Default(scope) = denial else { return denial };
        let rulings = self.rulings().iter().zip(Scope::ALL);
        let allowing = rulings.filter(|(_, it)| *it == scope).find_map(|(it, _)| match it {
            Ruling::Sure(Effect::Allow, Some(rule)) => Some(Cause::Rule(scope, rule.clone())),
            Ruling::Sure(..) | Ruling::Unsure { .. } => None,
        });
        allowing.unwrap_or(denial)
    }

    fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused, Self::Refused) => true,
            (Self::Judged(one), Self::Judged(other)) => {
                one.iter().zip(other).all(|(one, other)| one.is_alike(other))
            }
            (Self::Refused, Self::Judged(_)) | (Self::Judged(_), Self::Refused) => false,
        }
    }

    fn rulings(&self) -> &[Ruling<'a>] {
        match self {
            Self::Refused => &[],
            Self::Judged(rulings) => rulings,
        }
    }
}

/// In [`Scope::Proxy`], with nothing in the others.
impl From<RuleSet> for Scopes {
    fn from(rules: RuleSet) -> Self {
        Self::allow_all().scope(Scope::Proxy, rules)
    }
}

fn undecidable<'a>(rulings: impl Iterator<Item = &'a Ruling<'a>>) -> Outcome {
    let mut needs = BTreeSet::new();
    rulings.for_each(|it| it.needs(&mut needs));
    Outcome::Undecidable { needs: needs.into_iter().take(MOST_NEEDS).collect() }
}

const MOST_NEEDS: usize = 32;
