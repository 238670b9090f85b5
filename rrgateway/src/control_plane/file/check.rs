//! Whether a gateway would take a file: made into a configuration and compiled, but not kept.

use std::collections::HashMap;
use std::path::Path;

use crate::control_plane::config::change::{self, Change, Means};
use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::compile::Compiler;
use crate::control_plane::config::draft::Draft;
use crate::control_plane::config::outcome::Moment;
use crate::control_plane::config::resource::{Collection, Key, Kind, Resource, Spec};
use crate::control_plane::config::scopes::{self, Scopes};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::file::document::{Document, Item};
use crate::control_plane::file::report::{Finding, Notes, Report, Severity};
use crate::control_plane::file::secrets::Secrets;
use crate::control_plane::file::source::Source;
use crate::control_plane::file::{names, warnings};
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::proxy::ProxyDraft;
use crate::control_plane::wire::text::Effect;
use crate::model::EgressPolicy;

/// Checks the file with this `text`. Paths in it start at `directory`.
pub(crate) fn check(text: &str, directory: &Path, egress: &EgressPolicy) -> Report {
    let (source, json) = match Source::read(text) {
        Ok(read) => read,
        Err(it) => {
            let (severity, place) = (Severity::Error, String::new());
            let finding = Finding { severity, place, line: it.line, detail: it.detail };
            return Report { findings: vec![finding], counts: Vec::new() };
        }
    };
    let mut notes = Notes::default();
    let mut secrets = Secrets::new(directory);
    let document = Document::read(json, egress, &mut secrets, &mut notes);
    let counts = counts(&document);
    let mut trial =
        Trial { egress, config: Config::default(), places: HashMap::new(), revision: 0 };
    for item in document.items {
        trial.add(item, &mut notes);
    }
    if !notes.has_errors() {
        trial.compile(&mut notes);
    }
    Report { findings: notes.findings(&source), counts }
}

fn counts(document: &Document) -> Vec<(&'static str, usize)> {
    let hanging = || document.items.iter().flat_map(|it| &it.hanging).map(|it| it.kind);
    let all: Vec<_> = document.items.iter().map(|it| it.kind).chain(hanging()).collect();
    let count = |kind: Kind| all.iter().filter(|it| **it == kind).count();
    Kind::ALL.map(|it| (it.word(), count(it))).into_iter().filter(|it| it.1 > 0).collect()
}

/// A configuration that is made of a file to see whether it can be.
struct Trial<'a> {
    egress: &'a EgressPolicy,
    config: Config,
    /// Where in the file what stands.
    places: HashMap<Key, String>,
    revision: u64,
}

impl Trial<'_> {
    fn add(&mut self, item: Item, notes: &mut Notes) {
        let Item { pointer, kind, id, draft, hanging } = item;
        let Some(draft) = draft.filter(|it| self.has_all_that_it_names(it)) else { return };
        let key = Key::top(kind, id);
        if !self.create(&key, draft, pointer, notes) {
            return;
        }
        for (index, it) in hanging.into_iter().enumerate() {
            let id = format!("{}[{index}]", it.kind.segment());
            let key = Collection::under(it.kind, &key).key(id);
            if let Some(draft) = it.draft {
                self.create(&key, draft, it.pointer, notes);
            }
        }
    }

    // What it lacks has its own error: that it is not there would only be noise.
    fn has_all_that_it_names(&self, draft: &Draft) -> bool {
        let Draft::Proxy(ProxyDraft { proxy, .. }) = draft else { return true };
        let credentials = proxy.proxy_credential_ids.iter().chain(&proxy.target_credential_id);
        let credentials = credentials.map(|it| Key::top(Kind::Credential, it.as_str()));
        let target = Key::top(Kind::Target, proxy.target_id.as_str());
        credentials.chain([target]).all(|it| self.config.get(&it).is_some())
    }

    fn create(&mut self, key: &Key, draft: Draft, pointer: String, notes: &mut Notes) -> bool {
        self.revision += 1;
        let change = Change::Create { key: key.clone(), draft };
        let moment = Moment { revision: self.revision, at_ms: 0 };
        let means = Means { generate, egress: self.egress };
        let made = change::apply(&self.config, change, moment, means);
        let flaws = match made {
            Ok(outcome) => {
                self.config = outcome.config;
                self.places.insert(key.clone(), pointer);
                return true;
            }
            Err(Refused::Conflict(flaw)) => vec![flaw],
            Err(Refused::Invalid(flaws)) => flaws,
            // Nothing is replaced or deleted here, and what things hang on was made before.
            Err(
                Refused::NotFound
                | Refused::Precondition
                | Refused::InUse(_)
                | Refused::NoRandomness,
            ) => vec![Flaw::new("", "this cannot be checked")],
        };
        for flaw in flaws {
            let at = names::as_written(key.collection.kind, &flaw.pointer);
            notes.error(format!("{pointer}{at}"), flaw.detail);
        }
        false
    }

    fn compile(&self, notes: &mut Notes) {
        let mut scopes = Scopes::default();
        for rule in self.config.all(Kind::Rule) {
            if let Err(it) = scopes::check(rule, scopes.patterns()) {
                self.note(it, notes);
            }
        }
        for kind in Kind::PARENTS {
            for resource in self.config.list(&Collection::top(kind), 0) {
                match scopes.of(&self.config, &resource.key, default_effect(&resource.spec)) {
                    Ok(hanging) => {
                        for (rule, why) in warnings::warnings_of(&hanging.rules) {
                            let of_rule =
                                rule.map(|id| Collection::under(Kind::Rule, &resource.key).key(id));
                            let key = of_rule.as_ref().unwrap_or(&resource.key);
                            notes.warning(self.place(key), why);
                        }
                    }
                    Err(it) => self.note(it, notes),
                }
                self.doubt(resource, notes);
                let meters = Collection::under(Kind::Meter, &resource.key);
                self.config.list(&meters, 0).for_each(|it| self.doubt(it, notes));
            }
        }
        if let Err(it) =
            Compiler::default().compile(&self.config, self.revision, self.config.digest())
        {
            self.note(it, notes);
        }
    }

    fn doubt(&self, resource: &Resource, notes: &mut Notes) {
        for (at, why) in warnings::about(&resource.spec) {
            let at = names::as_written(resource.key.collection.kind, at);
            notes.warning(format!("{}{at}", self.place(&resource.key)), why);
        }
    }

    fn note(&self, it: Unservable, notes: &mut Notes) {
        let Unservable { key, flaw } = it;
        let at = names::as_written(key.collection.kind, &flaw.pointer);
        notes.error(format!("{}{at}", self.place(&key)), flaw.detail);
    }

    fn place(&self, key: &Key) -> String {
        self.places.get(key).cloned().unwrap_or_default()
    }
}

const fn default_effect(spec: &Spec) -> Effect {
    match spec {
        Spec::Credential(it) => it.default_rule_effect,
        Spec::Target(it) => it.default_rule_effect,
        Spec::Proxy(it) => it.default_rule_effect,
        // Nothing hangs on these.
        Spec::Rule(_) | Spec::Filter(_) | Spec::Meter(_) | Spec::Configuration(_) => Effect::Deny,
    }
}

// Applied, the file would have a key made for it; here nobody sees it.
fn generate() -> Result<zeroize::Zeroizing<String>, rrauth::RandomUnavailable> {
    rrauth::api_key::generate().map(|it| zeroize::Zeroizing::new(it.expose().to_owned()))
}
