//! The master keys of one vault: loaded, and the one in a file replaced.
//!
//! While a key is being changed, its successor lies beside it: the file with `.new` at the end of
//! its name. Both are loaded then, and the successor is sealed under. The change ends with one
//! rename: at any moment, what is on disk opens all records.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rrauth::{MasterKey, Vault, VaultError};

use crate::data_plane::secrets::source::{KeySource, KeySources};
use crate::model::RotationFailed;

/// Where the keys of a vault are.
#[derive(Debug)]
pub(super) struct Keys {
    current: KeySource,
    previous: Option<KeySource>,
}

impl Keys {
    /// Those that the operator gives; else a file in the vault's `directory`.
    pub(super) fn of(sources: KeySources, directory: &Path) -> Self {
        let KeySources { current, previous } = sources;
        let current = current.unwrap_or_else(|| KeySource::File(directory.join("master.key")));
        Self { current, previous }
    }

    /// A vault under all of them. Makes the file where there is none, if `is_new`: beside old
    /// records, a new key would only hide that theirs was lost.
    pub(super) fn load(&self, is_new: bool) -> Result<Vault, VaultError> {
        let current = match &self.current {
            KeySource::File(path) if is_new => MasterKey::load_or_create(path)?,
            source => source.load()?,
        };
        let mut vault = Vault::new(current);
        if let Some(successor) = self.successor().filter(|it| is_there(it)) {
            vault.rotate(MasterKey::load(&successor)?);
        }
        match &self.previous {
            Some(previous) => Ok(vault.older(previous.load()?)),
            None => Ok(vault),
        }
    }

    /// Whether a change of the key was begun and has not ended.
    pub(super) fn is_changing(&self) -> bool {
        self.successor().is_some_and(|it| is_there(&it))
    }

    /// Makes the next key, durably, or finds the one that was made before.
    pub(super) fn make_successor(&self, vault: &Vault) -> Result<MasterKey, RotationFailed> {
        let KeySource::File(path) = &self.current else {
            return Err(RotationFailed::Refused(format!(
                "the master key comes from {}: to change it, give the new key there and the old \
                 one as vault.previousKeyFile, vault.previousKeyEnv or vault.previousKeyCommand, \
                 and start the gateway again",
                self.current
            )));
        };
        // It will be overwritten: it must not be a key that somebody has put there for later.
        let known = MasterKey::load(path).map_err(|it| RotationFailed::Refused(it.to_string()))?;
        if !vault.has_key(known.id()) {
            return Err(RotationFailed::Refused(format!(
                "{} holds another master key than the one in use: start the gateway again with \
                 the old one as vault.previousKeyFile, or put it back",
                path.display()
            )));
        }
        let next = MasterKey::load_or_create(&with_suffix(path));
        next.map_err(|it| RotationFailed::NoKey(it.to_string()))
    }

    /// Puts the successor in the place of the current key, which is gone then.
    pub(super) fn promote_successor(&self) -> io::Result<()> {
        if let (KeySource::File(path), Some(successor)) = (&self.current, self.successor())
            && is_there(&successor)
        {
            fs::rename(successor, path)?;
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }

    fn successor(&self) -> Option<PathBuf> {
        match &self.current {
            KeySource::File(path) => Some(with_suffix(path)),
            KeySource::Variable(_) | KeySource::Command(_) => None,
        }
    }
}

fn with_suffix(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    name.into()
}

// Also where it is no file: loading it says so.
fn is_there(path: &Path) -> bool {
    !matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}
