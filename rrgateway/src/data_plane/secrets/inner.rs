//! Records and the keys that they are under, kept in step.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use anyhow::{bail, ensure};
use rrauth::{Binding, KeyId, Vault};

use crate::data_plane::secrets::keys::Keys;
use crate::data_plane::secrets::records::Records;
use crate::data_plane::secrets::source::KeySources;
use crate::model::{Rotated, RotationFailed, SecretName};

/// What all clones share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) records: Records,
    pub(super) keys: Keys,
    /// Held while records are read, so that the keys fit what is read.
    vault: RwLock<Vault>,
    /// Held by whoever changes a record or the keys: what is forgotten must not come back.
    writing: Mutex<()>,
    /// Held while the master key is changed.
    pub(super) rotating: Arc<Mutex<()>>,
}

/// Under which keys the records are.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// How many records there are.
    pub(super) records: usize,
    /// How many of them have to be sealed anew.
    pub(super) stale: usize,
    /// How many are under a key that is not here, and one of those.
    strange: usize,
    stranger: Option<(SecretName, KeyId)>,
    /// Those that could not be read: nobody knows what they are under.
    unread: Vec<SecretName>,
}

impl Inner {
    pub(super) fn open(directory: PathBuf, sources: KeySources) -> anyhow::Result<Self> {
        let records = Records::open(directory)?;
        let keys = Keys::of(sources, records.directory());
        let vault = keys.load(records.is_empty()?)?;
        let inner = Self {
            records,
            keys,
            vault: RwLock::new(vault),
            writing: Mutex::default(),
            rotating: Arc::default(),
        };
        let census = inner.census()?;
        if let Some((name, key)) = census.stranger {
            bail!(
                "{} of {} records in {} were sealed under the master key {key}, or another one \
                 that is not here (the key in use is {}). The first is that of {}, version {}. \
                 Give the key back, as vault.previousKeyFile, vault.previousKeyEnv or \
                 vault.previousKeyCommand if it is no longer the current one",
                census.strange,
                census.records,
                inner.records.directory().display(),
                inner.vault().key_id(),
                name.credential,
                name.version,
            );
        }
        Ok(inner)
    }

    /// Seals the record `name` anew, if it has to be. Nobody waits while the disk is written.
    pub(super) fn reseal(&self, name: &SecretName) -> anyhow::Result<()> {
        let Some(sealed) = self.records.find(name)? else { return Ok(()) };
        let anew = {
            let vault = self.vault();
            if !vault.needs_reseal(&sealed) {
                return Ok(());
            }
            vault.reseal(&binding(name), &sealed)?
        };
        let draft = self.records.draft(name, &anew)?;
        let _writing = self.writing();
        if self.records.find(name)?.is_some_and(|it| it == sealed) {
            return Ok(draft.publish()?);
        }
        // It was forgotten or written meanwhile, and that counts.
        Ok(draft.discard()?)
    }

    pub(super) fn census(&self) -> io::Result<Census> {
        let mut census = Census::default();
        for name in self.records.names()? {
            let vault = self.vault();
            let sealed = match self.records.find(&name) {
                Ok(Some(sealed)) => sealed,
                Ok(None) => continue,
                // As a record that is none, below.
                Err(_) => {
                    census.records += 1;
                    census.unread.push(name);
                    continue;
                }
            };
            census.records += 1;
            census.stale += usize::from(vault.needs_reseal(&sealed));
            // A record that is no record costs its own proxies 503, and nobody else.
            if let Some(key) = KeyId::of_record(&sealed).filter(|it| !vault.has_key(*it)) {
                census.strange += 1;
                census.stranger.get_or_insert((name, key));
            }
        }
        Ok(census)
    }

    /// Makes a new key, from now on the one that is sealed under; or goes on with one that was made
    /// before.
    pub(super) fn begin(&self) -> Result<(), RotationFailed> {
        let _writing = self.writing();
        let successor = self.keys.make_successor(&self.vault())?;
        self.vault.write().unwrap_or_else(PoisonError::into_inner).rotate(successor);
        Ok(())
    }

    /// Does away with all keys but the newest, which is under what all records are.
    ///
    /// # Errors
    /// When a record still needs another one, or may.
    pub(super) fn retire(&self) -> anyhow::Result<Rotated> {
        let _writing = self.writing();
        // What was sealed anew must be on disk before the old key is gone.
        self.records.sync()?;
        let Census { records, stale, unread, .. } = self.census()?;
        ensure!(stale == 0, "{stale} of {records} records still need the old one");
        ensure!(
            unread.is_empty(),
            "{} of {records} records cannot be read, and may need the old one ({})",
            unread.len(),
            some(&unread),
        );
        self.keys.promote_successor()?;
        let mut vault = self.vault.write().unwrap_or_else(PoisonError::into_inner);
        vault.forget_older();
        Ok(Rotated { key_id: vault.key_id().to_string(), records })
    }

    pub(super) fn vault(&self) -> RwLockReadGuard<'_, Vault> {
        self.vault.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the record `name` is bound to.
pub(super) fn binding(name: &SecretName) -> Binding<'_> {
    Binding {
        client: &name.client,
        credential: &name.credential,
        version: name.version,
        purpose: PURPOSE,
    }
}

/// Not a secret of a credential: what a caller's is recognised by.
pub(super) const fn recognition(client: &str) -> Binding<'_> {
    Binding { client, credential: "", version: 0, purpose: "caller" }
}

/// The first few of `names`, for an error.
pub(super) fn some(names: &[SecretName]) -> String {
    let named =
        names.iter().take(SHOWN).map(|it| format!("{} version {}", it.credential, it.version));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{named}{more}")
}

/// How many records an error names.
const SHOWN: usize = 5;
/// What these secrets are for: part of what each is sealed with.
const PURPOSE: &str = "target";
