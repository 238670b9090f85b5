//! Rules made ready to judge, and how those of one scope decide together.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::body::{BodyPlan, Content, Inspection};
use crate::finding::Finding;
use crate::gates::Candidates;
use crate::index::Index;
use crate::rule::{Effect, Mode, Rule};
use crate::subject::{Reading, Subject};
use crate::verdict::{DecidingRule, Explanation, RuleOutcome, RuleTrace, Shadow, Verdict};

/// Places of rules that fit, in the order of evaluation.
type Places = SmallVec<[u16; 8]>;

/// The rules of one scope, compiled.
pub(crate) struct Compiled {
    // In the order of evaluation.
    rules: Vec<Rule>,
    default: Effect,
    index: Index,
    bodies: BodyPlan,
    // Which checks of the plan are those of the rule at this place.
    checks: Vec<Range<usize>>,
    looks_at_query: bool,
}

/// What is known of a request before its body is.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// The rules that fit.
    fits: Places,
    /// The rules that fit if the body does.
    pending: Places,
}

/// What can be said of the body when all else is known.
#[derive(Clone, Copy)]
pub(crate) enum BodyAnswer<'a> {
    /// It is this.
    Is(Content<'a>),
    /// It cannot be inspected, for this reason.
    NotInspectable(&'static str),
}

/// What the checks of the rules that wait for the body say.
enum Inspected {
    Calls(Inspection),
    Not(&'static str),
}

impl Compiled {
    /// Compiles `rules`, which are in the order of evaluation.
    pub(crate) fn new(rules: Vec<Rule>, default: Effect) -> Result<Self, aho_corasick::BuildError> {
        let index = Index::of(&rules)?;
        let looks_at_query = rules.iter().any(Rule::looks_at_query);
        let mut all = Vec::new();
        let mut checks = Vec::with_capacity(rules.len());
        for rule in &rules {
            let first = all.len();
            all.extend(rule.body.iter().cloned());
            checks.push(first..all.len());
        }
        Ok(Self { rules, default, index, bodies: BodyPlan::new(all), checks, looks_at_query })
    }

    pub(crate) fn without_rules(default: Effect) -> Self {
        Self {
            rules: Vec::new(),
            default,
            index: Index::default(),
            bodies: BodyPlan::new(Vec::new()),
            checks: Vec::new(),
            looks_at_query: false,
        }
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that may fit, in the order of evaluation.
    pub(crate) fn candidates(&self, reading: &Reading<'_>) -> impl Iterator<Item = &Rule> {
        let mut places = Candidates::new();
        self.index.candidates(reading, &mut places);
        places.into_iter().filter_map(|it| self.rule(it))
    }

    pub(crate) const fn default_effect(&self) -> Effect {
        self.default
    }

    pub(crate) const fn looks_at_query(&self) -> bool {
        self.looks_at_query
    }

    pub(crate) fn looks_at_body(&self) -> bool {
        self.checks.last().is_some_and(|it| it.end > 0)
    }

    // Costs no memory unless what a rule looks at must be decoded.
    pub(crate) fn head(&self, reading: &Reading<'_>) -> Head {
        let mut head = Head::default();
        if self.rules.is_empty() {
            return head;
        }
        if let Some(mut bits) = self.index.small(reading) {
            while bits != 0 {
                let place = bits.trailing_zeros() as u16;
                self.rule(place).into_iter().for_each(|rule| head.ask(rule, place, reading));
                bits &= bits - 1;
            }
            return head;
        }
        let mut candidates = Candidates::new();
        self.index.candidates(reading, &mut candidates);
        for place in candidates {
            self.rule(place).into_iter().for_each(|rule| head.ask(rule, place, reading));
        }
        head
    }

    pub(crate) fn conclude(&self, head: &Head, body: &BodyAnswer<'_>) -> Verdict {
        if head.pending.is_empty() {
            return match head.fits.is_empty() {
                true => self.verdict(&[], self.nothing(), None, None),
                false => self.tally(&head.fits, None),
            };
        }
        match self.inspect(head, body) {
            Inspected::Not(reason) => self.tally(&head.fits, Some((&head.pending, reason))),
            Inspected::Calls(inspection) => self.calls(head, &inspection),
        }
    }

    /// Decides as [`Compiled::conclude`] does, and asks every rule, also those that the index
    /// leaves out.
    pub(crate) fn explain(&self, reading: &Reading<'_>, body: &BodyAnswer<'_>) -> Explanation {
        let head = self.head(reading);
        let inspected = self.inspect(&head, body);
        let traced = (0..).zip(&self.rules).map(|(place, rule)| RuleTrace {
            id: Arc::clone(&rule.id),
            effect: rule.effect,
            priority: rule.priority,
            mode: rule.mode,
            outcome: self.outcome(place, rule.check(reading), &inspected),
        });
        Explanation { rules: traced.collect(), verdict: self.conclude(&head, body) }
    }

    fn outcome(&self, place: u16, finding: Finding, inspected: &Inspected) -> RuleOutcome {
        match (finding, inspected) {
            (Finding::Holds, _) => RuleOutcome::Fits,
            (Finding::Fails(criterion) | Finding::Unknown(criterion), _) => {
                RuleOutcome::Fails(criterion)
            }
            (Finding::NeedsBody, Inspected::Not(_)) => RuleOutcome::NotInspectable,
            (Finding::NeedsBody, Inspected::Calls(inspection)) => {
                let failing = |call| self.failing(place, call, inspection);
                // Of several calls in a body, one is enough.
                match (0..inspection.calls()).map(failing).min() {
                    None | Some(None) => RuleOutcome::Fits,
                    Some(Some(check)) => RuleOutcome::Fails(crate::Criterion::Body(check)),
                }
            }
        }
    }

    fn inspect(&self, head: &Head, body: &BodyAnswer<'_>) -> Inspected {
        let wanted: Vec<usize> =
            head.pending.iter().filter_map(|it| self.checks_of(*it)).flatten().collect();
        match body {
            BodyAnswer::NotInspectable(reason) => Inspected::Not(reason),
            BodyAnswer::Is(content) => match self.bodies.inspect(content, &wanted) {
                Ok(inspection) => Inspected::Calls(inspection),
                Err(error) => Inspected::Not(error.reason()),
            },
        }
    }

    // Each call in the body is judged by itself, and all must be allowed: the first that is denied
    // decides, and of each scope everything that fits any of them is told.
    fn calls(&self, head: &Head, inspection: &Inspection) -> Verdict {
        let mut some = vec![false; self.rules.len()];
        let mut mark = |place: &u16| {
            some.get_mut(usize::from(*place)).into_iter().for_each(|it| *it = true);
        };
        let (mut enforced, mut shadow) = (None, None);
        for call in 0..inspection.calls() {
            let fits = |place: &&u16| self.failing(**place, call, inspection).is_none();
            let mut places: Places = head.pending.iter().filter(fits).copied().collect();
            places.extend_from_slice(&head.fits);
            places.sort_unstable();
            places.iter().for_each(&mut mark);
            stricter(&mut enforced, self.ruling(&places, &[], |it| it == Mode::Enforce));
            stricter(&mut shadow, self.ruling(&places, &[], |_| true));
        }
        let places: Places =
            (0..).zip(some).filter(|(_, fits)| *fits).map(|(place, _)| place).collect();
        self.verdict(&places, enforced.unwrap_or(self.nothing()), shadow, None)
    }

    /// Which of the rule's body checks fails for this call, if one does.
    fn failing(&self, place: u16, call: usize, inspection: &Inspection) -> Option<usize> {
        let (rule, mut checks) = (self.rule(place)?, self.checks_of(place)?);
        checks.position(|check| match rule.effect {
            Effect::Allow => !inspection.must_hold(call, check),
            Effect::Deny => !inspection.may_hold(call, check),
        })
    }

    fn tally(&self, fits: &[u16], uninspected: Option<(&Places, &'static str)>) -> Verdict {
        let waiting = uninspected.map_or(&[][..], |(places, _)| places);
        let enforced = self.ruling(fits, waiting, |it| it == Mode::Enforce);
        let reason = uninspected.map(|(_, reason)| reason).filter(|_| enforced.uninspected);
        let is_shadow = |place: &u16| self.rule(*place).is_some_and(|it| it.mode == Mode::Shadow);
        let has_shadow = fits.iter().any(is_shadow) || waiting.iter().any(is_shadow);
        let shadow = has_shadow.then(|| self.ruling(fits, waiting, |_| true));
        self.verdict(fits, enforced, shadow, reason)
    }

    fn verdict(
        &self,
        fits: &[u16],
        enforced: Ruling,
        shadow: Option<Ruling>,
        not_inspectable: Option<&'static str>,
    ) -> Verdict {
        let deciding = enforced.place.and_then(|it| self.rule(it));
        let ids = self.ids(fits, Mode::Shadow);
        Verdict {
            effect: enforced.effect,
            deciding: deciding
                .map(|it| DecidingRule { id: Arc::clone(&it.id), priority: it.priority }),
            matched: self.ids(fits, Mode::Enforce),
            not_inspectable,
            shadow: shadow
                .filter(|it| it.uninspected || !ids.is_empty())
                .map(|it| Shadow { effect: it.effect, matched: ids }),
        }
    }

    // One deny is enough, and so is one rule that asks for a body that cannot be inspected.
    fn ruling(&self, fits: &[u16], waiting: &[u16], counts: impl Fn(Mode) -> bool) -> Ruling {
        let first = |places: &[u16], effect: Option<Effect>| {
            places.iter().copied().find(|place| {
                self.rule(*place).is_some_and(|it| {
                    counts(it.mode) && effect.is_none_or(|effect| it.effect == effect)
                })
            })
        };
        let deny = first(fits, Some(Effect::Deny));
        let uninspected = first(waiting, None);
        match (deny, uninspected) {
            (deny, Some(place)) if deny.is_none_or(|it| place < it) => {
                Ruling { effect: Effect::Deny, place: Some(place), uninspected: true }
            }
            (Some(place), _) => {
                Ruling { effect: Effect::Deny, place: Some(place), uninspected: false }
            }
            (None, _) => match first(fits, Some(Effect::Allow)) {
                Some(place) => {
                    Ruling { effect: Effect::Allow, place: Some(place), uninspected: false }
                }
                None => self.nothing(),
            },
        }
    }

    const fn nothing(&self) -> Ruling {
        Ruling { effect: self.default, place: None, uninspected: false }
    }

    fn ids(&self, places: &[u16], mode: Mode) -> Vec<Arc<str>> {
        let rules = places.iter().filter_map(|it| self.rule(*it)).filter(|it| it.mode == mode);
        rules.map(|it| Arc::clone(&it.id)).collect()
    }

    fn rule(&self, place: u16) -> Option<&Rule> {
        self.rules.get(usize::from(place))
    }

    fn checks_of(&self, place: u16) -> Option<Range<usize>> {
        self.checks.get(usize::from(place)).cloned()
    }
}

/// What decides, and to what end.
#[derive(Clone, Copy)]
struct Ruling {
    effect: Effect,
    /// The rule; `None` when it is the default.
    place: Option<u16>,
    /// Whether it decides because the body cannot be inspected.
    uninspected: bool,
}

fn stricter(decides: &mut Option<Ruling>, other: Ruling) {
    match decides {
        Some(Ruling { effect: Effect::Deny, .. }) => {}
        Some(Ruling { effect: Effect::Allow, .. }) if other.effect == Effect::Allow => {}
        Some(_) | None => *decides = Some(other),
    }
}

impl Head {
    fn ask(&mut self, rule: &Rule, place: u16, reading: &Reading<'_>) {
        match (rule.check(reading), rule.effect) {
            // Unknown is only what a described request lacks: then a deny fits, to be safe.
            (Finding::Holds, _) | (Finding::Unknown(_), Effect::Deny) => self.fits.push(place),
            (Finding::NeedsBody, _) => self.pending.push(place),
            (Finding::Fails(_), _) | (Finding::Unknown(_), Effect::Allow) => {}
        }
    }

    /// Whether a rule asks for the body.
    pub(crate) fn needs_body(&self) -> bool {
        !self.pending.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.fits.is_empty() && self.pending.is_empty()
    }
}

// Sets can have thousands of rules, and all that is derived from them.
impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.rules.iter().map(|it| &it.id).take(SHOWN).collect();
        f.debug_struct("Compiled")
            .field("rules", &self.rules.len())
            .field("first", &ids)
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}

impl<'a> BodyAnswer<'a> {
    /// The body of `subject`.
    pub(crate) const fn of(subject: &Subject<'a>) -> Self {
        Self::limited(subject, MAX_BODY_BYTES)
    }

    /// The body of `subject`, of which the decoded form may have up to `limit` bytes.
    pub(crate) const fn limited(subject: &Subject<'a>, limit: usize) -> Self {
        let Subject { headers, query, body, .. } = *subject;
        Self::Is(Content { headers, query, data: body, limit })
    }
}

/// The largest decoded body that rules look into, unless told.
pub(crate) const MAX_BODY_BYTES: usize = 1 << 20;

const SHOWN: usize = 3;
