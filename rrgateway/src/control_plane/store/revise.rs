//! One write, one revision, one transaction: decided, sealed, on disk, then served.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rrcore::Clock;
use rusqlite::{Connection, TransactionBehavior};
use zeroize::Zeroizing;

use crate::control_plane::config::activity::{Activity, Origin};
use crate::control_plane::config::change::{self, Change, Means};
use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::compile::Compiler;
use crate::control_plane::config::identifier;
use crate::control_plane::config::lint::{self, Concerned};
use crate::control_plane::config::meter_lint::Doubt;
use crate::control_plane::config::outcome::{Moment, Outcome};
use crate::control_plane::config::resource::{Kind, Resource};
use crate::control_plane::config::response_lint;
use crate::control_plane::config::secret::Incoming;
use crate::control_plane::config::shown::CLIENT;
use crate::control_plane::config::snapshot::{Config, Snapshot};
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::store::disk::{self, CONTROL, Changed};
use crate::control_plane::store::error::StoreError;
use crate::control_plane::store::named;
use crate::control_plane::store::owner::{self, Owner};
use crate::control_plane::store::stored::{self, Opened};
use crate::control_plane::store::written::{WriteError, Written};
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::rule_text::RuleText;
use crate::model::{EgressPolicy, Publisher, Revision, Rotated, SecretName, SecretSink};

/// What a write needs besides the file.
pub(crate) struct Surroundings {
    pub(crate) directory: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) secrets: Arc<dyn SecretSink>,
    pub(crate) publisher: Publisher,
    pub(crate) egress: EgressPolicy,
}

/// Turns writes into revisions.
pub(crate) struct Reviser {
    around: Surroundings,
    /// `None` after a failure, until it has been opened anew and read back.
    connection: Option<Connection>,
    compiler: Compiler,
    current: Arc<ArcSwap<Snapshot>>,
    /// Secrets that no revision names from the given one on.
    unnamed: Vec<(u64, SecretName)>,
}

impl Reviser {
    /// Opens the file and serves what is in it. The first start makes the owner and revision 1.
    pub(crate) fn open(around: Surroundings) -> Result<(Self, Owner), StoreError> {
        refuse_emptied(&around)?;
        let mut compiler = Compiler::default();
        let Opened { connection, last } = stored::open(&around.directory, |it| {
            compiler.compile(&it.config, it.number, it.digest)
        })?;
        let owner = Owner::known_or_made(&connection, &around.directory)?;
        let (compiled, snapshot) = last.unzip();
        let snapshot = snapshot.unwrap_or_else(|| around.snapshot(0, Config::default()));
        let mut reviser = Self {
            around,
            connection: Some(connection),
            compiler,
            current: Arc::new(ArcSwap::from_pointee(snapshot)),
            unnamed: Vec::new(),
        };
        if let Some(compiled) = compiled {
            let revision = compiled.map_err(|it| reviser.around.damaged(&it))?;
            reviser.tidy_vault();
            reviser.publish(revision);
        } else {
            let config = Config::first(reviser.around.wall_ms());
            let first = reviser.around.snapshot(1, config);
            let made = reviser.commit(&first, Changed::default());
            made.map_err(|it| reviser.around.database(it))?;
            reviser.current.store(Arc::new(first));
            reviser.serve_current()?;
        }
        Ok((reviser, owner))
    }

    /// Where the configuration as of the last write is found.
    pub(crate) fn current(&self) -> Arc<ArcSwap<Snapshot>> {
        Arc::clone(&self.current)
    }

    /// Tells, meanwhile, whether what was stored is what was written, and which rules of it cannot be
    /// read: at a start, nobody waits for that. Until those are written anew, what they hang on denies.
    pub(crate) fn look_through(&self) {
        let current = self.current.load_full();
        let look = move || {
            if current.config.digest() != current.digest {
                let revision = current.number;
                tracing::error!(
                    revision,
                    "what is stored is not what was written as this revision: the file was changed by \
                     something else, or is damaged"
                );
            }
            for rule in current.config.all(Kind::Rule) {
                if let Some(Err(error)) = rule.spec.as_rule().map(RuleText::read) {
                    tracing::error!(rule = %rule.key, %error, "what is stored of it is no rule");
                }
            }
        };
        let thread = std::thread::Builder::new().name("control-reader".to_owned());
        if let Err(error) = thread.spawn(look) {
            tracing::warn!(%error, "the stored rules are not looked through");
        }
    }

    /// Makes `change` a revision, or nothing at all.
    pub(crate) fn write(&mut self, change: Change, origin: &Origin) -> Result<Written, WriteError> {
        self.reopen_if_needed().map_err(unavailable)?;
        let before = self.current.load_full();
        let moment = Moment { revision: before.number + 1, at_ms: self.around.wall_ms() };
        let means = Means { generate, egress: &self.around.egress };
        let mut outcome =
            change::apply(&before.config, change, moment, means).map_err(WriteError::Refused)?;
        let doubt = response_lint::of_secret(&outcome);
        let sealed = self.seal(&mut outcome)?;
        let done = self.make(&before, moment, (outcome, doubt), origin);
        if let (Err(_), Some(name)) = (&done, sealed) {
            self.unnamed.push((before.number, name));
            self.forget_unnamed(before.number);
        }
        done
    }

    /// Writes down that the vault has got another master key.
    pub(crate) fn note(&mut self, rotated: &Rotated, origin: &Origin) -> Result<(), WriteError> {
        self.reopen_if_needed().map_err(unavailable)?;
        let (revision, at_ms) = (self.current.load().number, self.around.wall_ms());
        let moment = Moment { revision, at_ms };
        let id = identifier::new("act_", at_ms);
        let activity = Activity::of_vault(&id, rotated, moment, origin);
        let noted = self.connection.as_ref().map(|it| disk::note(it, &activity));
        noted.unwrap_or(Err(rusqlite::Error::InvalidQuery)).map_err(unavailable)
    }

    /// Lets the vault forget what no revision from `served` on names.
    pub(crate) fn forget_unnamed(&mut self, served: u64) {
        // What a commit reported as failed may be on disk, and name it: until that is read back, nobody
        // knows. If it never is, the next start tidies up.
        if self.connection.is_none() {
            return;
        }
        let unnamed = std::mem::take(&mut self.unnamed);
        let (due, later) = unnamed.into_iter().partition(|(since, _)| *since <= served);
        self.unnamed = later;
        let due: Vec<_> = due;
        due.iter().for_each(|(_, name)| self.forget_unless_named(name));
    }

    /// Moves everything into the one file.
    pub(crate) fn close(mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        {
            tracing::warn!(%error, "the configuration's file could not be tidied; nothing is lost");
        }
    }

    // The vault has the secret on disk before any revision names it.
    fn seal(&self, outcome: &mut Outcome) -> Result<Option<SecretName>, WriteError> {
        let Some((key, incoming)) = outcome.incoming.take() else { return Ok(None) };
        let vault = &self.around.secrets;
        let (name, fingerprint) = match incoming {
            Incoming::Recognised(by) => (None, vault.fingerprint(CLIENT, &by)),
            Incoming::Sealed(secret) => {
                let named = outcome.config.get(&key).and_then(|it| named::by(it));
                let Some(name) = named else { return Ok(None) };
                let fingerprint = vault.put(&name, secret).map_err(unavailable)?;
                (Some(name), fingerprint)
            }
        };
        outcome.recognise_by(&key, &fingerprint);
        Ok(name)
    }

    fn make(
        &mut self,
        before: &Snapshot,
        moment: Moment,
        (outcome, doubt): (Outcome, Option<Doubt>),
        origin: &Origin,
    ) -> Result<Written, WriteError> {
        let id = identifier::new("act_", moment.at_ms);
        let activity = Activity::of(&id, &outcome, moment, origin);
        let Outcome { config, before: old, written, bound, gone, shown, .. } = outcome;
        let number = moment.revision;
        let refused = |it| WriteError::Refused(invalid(it, written.as_deref()));
        let after = self.around.snapshot(number, config);
        let config = &after.config;
        written.as_deref().map_or(Ok(()), |it| self.compiler.check(it)).map_err(refused)?;
        let compiled = self.compiler.compile(config, number, after.digest);
        let revision = compiled.map_err(refused)?;
        // Also where nothing uses them yet: what cannot stand together is refused when it is
        // written.
        let owner = written.as_deref().and_then(lint::owner);
        let rules = owner.map(|it| self.compiler.rules(config, &it)).transpose();
        let rules = rules.map_err(refused)?.flatten();
        let concerned = written.clone().map(|it| Concerned::new(it, rules, doubt));
        let all: Vec<_> = written.iter().chain(&bound).cloned().collect();
        let changed = Changed { written: &all, gone: &gone, activity: activity.as_ref() };
        if let Err(error) = self.commit(&after, changed) {
            self.distrust(number);
            return Err(unavailable(error));
        }
        let written_key = all.iter().map(|it| &it.key);
        for name in gone.iter().chain(written_key).flat_map(|key| named::stale(key, before, &after))
        {
            self.unnamed.push((number, name));
        }
        self.serve(after, revision);
        Ok(Written { number, resource: written, created: old.is_none(), concerned, shown })
    }

    fn commit(&mut self, after: &Snapshot, changed: Changed<'_>) -> rusqlite::Result<()> {
        let Some(connection) = &mut self.connection else {
            return Err(rusqlite::Error::InvalidQuery);
        };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        disk::write(&transaction, after, changed)?;
        transaction.commit()
    }

    fn serve(&mut self, after: Snapshot, revision: Arc<Revision>) {
        self.current.store(Arc::new(after));
        self.publish(revision);
    }

    fn serve_current(&mut self) -> Result<(), StoreError> {
        let current = self.current.load_full();
        let Snapshot { config, number, digest, .. } = &*current;
        let compiled = self.compiler.compile(config, *number, *digest);
        self.publish(compiled.map_err(|it| self.around.damaged(&it))?);
        Ok(())
    }

    fn publish(&mut self, revision: Arc<Revision>) {
        self.compiler.settle();
        self.around.publisher.publish(revision);
    }

    // After a write failed, only what is read back from a fresh connection is believed.
    fn distrust(&mut self, number: u64) {
        self.connection = None;
        if let Err(error) = self.reopen_if_needed() {
            tracing::error!(%error, number, "the configuration's file cannot be used");
        }
    }

    fn reopen_if_needed(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() {
            return Ok(());
        }
        let Opened { connection, last } = stored::open(&self.around.directory, |_| ())?;
        let emptied = || self.around.damaged(&"there is no revision in it");
        let ((), loaded) = last.ok_or_else(emptied)?;
        if loaded.number != self.current.load().number {
            self.current.store(Arc::new(loaded));
            self.serve_current()?;
        }
        self.connection = Some(connection);
        Ok(())
    }

    // The vault leaves what something newer may name, which is not what is known to be deleted: the
    // gateway may have been stopped before it forgot that.
    fn tidy_vault(&self) {
        let Snapshot { config, .. } = &**self.current.load();
        named::gone(config).for_each(|it| self.around.secrets.forget(&it));
        self.around.secrets.retain(&named::all(config));
    }

    fn forget_unless_named(&self, name: &SecretName) {
        if !named::names(&self.current.load().config, name) {
            self.around.secrets.forget(name);
        }
    }
}

impl Surroundings {
    fn wall_ms(&self) -> i64 {
        i64::try_from(self.clock.now().wall.as_millis()).unwrap_or(i64::MAX)
    }

    fn snapshot(&self, number: u64, config: Config) -> Snapshot {
        let (digest, created_ms) = (config.digest(), self.wall_ms());
        Snapshot { number, digest, author: "owner".into(), created_ms, config }
    }

    fn database(&self, why: rusqlite::Error) -> StoreError {
        StoreError::Database { path: self.directory.join(CONTROL.name), why }
    }

    fn damaged(&self, what: &impl ToString) -> StoreError {
        let path = self.directory.join(CONTROL.name);
        StoreError::Damaged { path, what: what.to_string() }
    }
}

// The token's file comes after the database: where it is, an empty database was emptied.
fn refuse_emptied(around: &Surroundings) -> Result<(), StoreError> {
    let path = around.directory.join(CONTROL.name);
    let is_empty = path.metadata().map_or(true, |it| it.len() == 0);
    if is_empty && around.directory.join(owner::FILE).exists() {
        let what = format!("it is empty, but there is a {} beside it", owner::FILE);
        return Err(StoreError::Damaged { path, what });
    }
    Ok(())
}

fn invalid(it: Unservable, written: Option<&Resource>) -> Refused {
    let Unservable { key, flaw } = it;
    if written.is_some_and(|written| written.key == key) {
        return Refused::Invalid(vec![flaw]);
    }
    let Flaw { pointer, detail } = flaw;
    let place = if pointer.is_empty() { String::new() } else { format!(" at {pointer}") };
    Refused::Invalid(vec![Flaw::new("", format!("{key} would be wrong{place}: {detail}"))])
}

fn generate() -> Result<Zeroizing<String>, rrauth::RandomUnavailable> {
    let key = rrauth::api_key::generate()?;
    Ok(Zeroizing::new(key.expose().to_owned()))
}

fn unavailable(error: impl std::fmt::Display) -> WriteError {
    tracing::error!(%error, "a write was not made");
    WriteError::Unavailable
}
