//! What other rules on a resource would make of requests, and what the rules on it make of them
//! now.

use rrcore::Scope;
use rrrules::{Cause, Counts, Described, Effect, Outcome, Scopes};
use serde_json::{Value, json};

use crate::control_plane::config::lint::{self, default_rule_effect};
use crate::control_plane::config::proposal::Proposal;
use crate::control_plane::config::resource::{Resource, Spec};
use crate::control_plane::config::scopes;
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::answer;
use crate::control_plane::wire::auth::form::Kind as Side;
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::text;

/// The rules now and the rules proposed, and what was found so far.
#[derive(Debug)]
pub(crate) struct Comparison {
    now: Scopes,
    proposed: Scopes,
    counts: Counts,
    compared: u64,
    skipped: u64,
    flips: Vec<Value>,
    undecidable: Vec<Value>,
    warnings: Vec<Value>,
}

/// Why there is nothing to compare.
#[derive(Debug)]
pub(crate) enum NotComparable {
    /// What the rules would hang on is not there.
    NotFound,
    /// This is wrong with the rules proposed.
    Invalid(Vec<Flaw>),
    /// The rules now cannot be compiled.
    Unservable(Unservable),
}

/// What a request is called by.
enum Name<'a> {
    Record(&'a Value),
    Index(usize),
}

impl Comparison {
    /// Of what `proposal` says with what `config` does. Compiles both and compares rules with each
    /// other for the warnings, which takes up to seconds where there are a thousand.
    pub(crate) fn new(config: &Config, proposal: &Proposal) -> Result<Self, NotComparable> {
        let found =
            config.get(&proposal.on).map(|it| (it, scope(it), default_rule_effect(&it.spec)));
        let Some((owner, Some(scope), Some(default))) = found else {
            return Err(NotComparable::NotFound);
        };
        // What both ask for is compiled once.
        let patterns = Patterns::default();
        let proposed = proposal
            .rule_set(proposal.default.unwrap_or(default), &patterns)
            .map_err(NotComparable::Invalid)?;
        let now = scopes::rule_set(config, &owner.key, default, &patterns)
            .map_err(NotComparable::Unservable)?;
        let warnings = proposed.lint();
        Ok(Self {
            warnings: warnings.iter().map(lint::warning).collect(),
            now: Scopes::allow_all().scope(scope, now),
            proposed: Scopes::allow_all().scope(scope, proposed),
            counts: Counts::default(),
            compared: 0,
            skipped: 0,
            flips: Vec::new(),
            undecidable: Vec::new(),
        })
    }

    /// Compares what is made of `requests`.
    pub(crate) fn requests(&mut self, requests: &[Described]) {
        requests.iter().enumerate().for_each(|(index, it)| self.add(it, &Name::Index(index)));
    }

    /// Compares what is made of the requests that `records` are about. A record of one that had no
    /// path to judge is passed over.
    pub(crate) fn records(&mut self, records: &[Value]) {
        for record in records {
            match Described::from_record(record) {
                Ok(Some(request)) => {
                    self.add(&request, &Name::Record(record.get("id").unwrap_or(&Value::Null)));
                }
                // What no gateway of this version wrote counts as one that is not known.
                Ok(None) | Err(_) => self.skipped += 1,
            }
        }
    }

    /// What was found, as it is answered.
    pub(crate) fn shown(&self) -> Value {
        let Self { counts, compared, skipped, flips, undecidable, warnings, .. } = self;
        let Counts { same, newly_allowed, newly_denied, undecidable: open, .. } = counts;
        json!({
            "compared": compared,
            "skipped": skipped,
            "counts": {"same": same, "newlyAllowed": newly_allowed, "newlyDenied": newly_denied,
                "undecidable": open},
            "flips": flips,
            "undecidable": undecidable,
            "warnings": warnings,
        })
    }

    fn add(&mut self, request: &Described, name: &Name<'_>) {
        let outcome = self.now.compare(&self.proposed, request);
        self.compared += 1;
        self.counts.add(&outcome);
        let (list, more) = match &outcome {
            Outcome::Same(_) | Outcome::SameEitherWay => return,
            Outcome::Flips { from, to, by } => {
                (&mut self.flips, json!({"from": word(*from), "to": word(*to), "by": cause(by)}))
            }
            Outcome::Undecidable { needs } => (&mut self.undecidable, json!({"needs": needs})),
        };
        if list.len() < MOST_SHOWN {
            list.push(shown(request, name, more));
        }
    }
}

// In which scope the rules on `resource` are asked.
const fn scope(resource: &Resource) -> Option<Scope> {
    match &resource.spec {
        Spec::Proxy(_) => Some(Scope::Proxy),
        Spec::Target(_) => Some(Scope::Target),
        Spec::Credential(it) => Some(match it.kind {
            Side::Proxy => Scope::ProxyCredential,
            Side::Target => Scope::TargetCredential,
        }),
        Spec::Rule(_) | Spec::Filter(_) | Spec::Meter(_) | Spec::Configuration(_) => None,
    }
}

fn shown(request: &Described, name: &Name<'_>, more: Value) -> Value {
    let name = match name {
        Name::Record(id) => ("requestId", (*id).clone()),
        Name::Index(index) => ("index", (*index).into()),
    };
    let what = [
        name,
        ("method", request.method().as_str().into()),
        ("path", request.path().as_str().into()),
    ];
    answer::with(more, what)
}

const fn word(effect: Effect) -> text::Effect {
    match effect {
        Effect::Allow => text::Effect::Allow,
        Effect::Deny => text::Effect::Deny,
    }
}

fn cause(by: &Cause) -> Value {
    match by {
        Cause::Rule(_, rule) => json!({"rule": rule.id, "priority": rule.priority}),
        Cause::Default(_) => json!({"rule": null, "default": true}),
        Cause::MalformedQuery => json!({"rule": null, "malformedQuery": true}),
        // There is no other cause yet: it is neither a rule nor a default.
        _ => json!({"rule": null}),
    }
}

const MOST_SHOWN: usize = 100;
