//! The vault's records on disk: one file per version of a secret, sealed, written whole or not at
//! all.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rrauth::{Binding, MasterKey, Vault};
use zeroize::Zeroizing;

use crate::model::{SecretName, SecretRefused, SecretSink};

/// What these secrets are for: part of what each is sealed with.
const PURPOSE: &str = "target";

/// The data plane's secrets. The control plane gets it as a [`SecretSink`], which cannot read.
#[derive(Clone, Debug)]
pub struct Secrets {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    vault: Vault,
}

impl Secrets {
    /// Opens `<data_dir>/vault/`, and makes it with a new key the first time.
    ///
    /// # Errors
    /// When the key cannot be read, is weak, may be read by others, or is gone while sealed records
    /// are there: better no gateway than one without its secrets.
    pub fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let directory = data_dir.join("vault");
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let file = directory.join("master.key");
        let is_new = !has_records(&directory)?;
        let key = if is_new { MasterKey::load_or_create(&file)? } else { MasterKey::load(&file)? };
        let vault = Vault::new(key);
        Ok(Self { inner: Arc::new(Inner { directory, vault }) })
    }

    /// The secret called `name`.
    ///
    /// # Errors
    /// When there is no such record, or it is not what was sealed under that name.
    pub fn reveal(&self, name: &SecretName) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let sealed = fs::read(self.path(name)?)?;
        Ok(self.inner.vault.open(&binding(name), &sealed)?)
    }

    fn write(&self, name: &SecretName, secret: &str) -> anyhow::Result<String> {
        let binding = binding(name);
        let sealed = self.inner.vault.seal(&binding, secret.as_bytes())?;
        let path = self.path(name)?;
        let folder = path.parent().unwrap_or(&self.inner.directory);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let draft = path.with_extension("draft");
        write_synced(&draft, &sealed)?;
        fs::rename(&draft, &path)?;
        // The rename itself must be on disk before a revision names the record.
        sync_folder(folder)?;
        sync_folder(&self.inner.directory)?;
        Ok(self.inner.vault.fingerprint(&binding, secret.as_bytes()))
    }

    fn remove_all_but(&self, live: &HashSet<PathBuf>) -> io::Result<()> {
        for folder in fs::read_dir(&self.inner.directory)? {
            let folder = folder?.path();
            if !folder.is_dir() {
                continue;
            }
            for record in fs::read_dir(&folder)? {
                let record = record?.path();
                if !live.contains(&record) {
                    fs::remove_file(&record)?;
                }
            }
        }
        Ok(())
    }

    fn path(&self, name: &SecretName) -> io::Result<PathBuf> {
        let is_plain = |it: &str| {
            !it.is_empty()
                && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        if !is_plain(&name.client) || !is_plain(&name.credential) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "an id that cannot name a file",
            ));
        }
        let file = format!("{}.{}.sealed", name.credential, name.version);
        Ok(self.inner.directory.join(&*name.client).join(file))
    }
}

impl SecretSink for Secrets {
    fn put(&self, name: &SecretName, secret: Zeroizing<String>) -> Result<String, SecretRefused> {
        self.write(name, &secret).map_err(|it| SecretRefused::new(it.to_string()))
    }

    fn forget(&self, name: &SecretName) {
        if let Ok(path) = self.path(name) {
            // Already gone is as good. What could not be removed stays sealed and unnamed.
            _ = fs::remove_file(path);
        }
    }

    fn retain(&self, live: &[SecretName]) {
        let live: HashSet<PathBuf> = live.iter().filter_map(|it| self.path(it).ok()).collect();
        if let Err(error) = self.remove_all_but(&live) {
            // They stay sealed and unnamed.
            tracing::warn!(%error, "the vault could not be tidied");
        }
    }
}

fn binding(name: &SecretName) -> Binding<'_> {
    Binding {
        client: &name.client,
        credential: &name.credential,
        version: name.version,
        purpose: PURPOSE,
    }
}

// A new key next to old records would only hide that the old key was lost.
fn has_records(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() && fs::read_dir(&path)?.next().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A draft that a crash left behind is overwritten by this one.
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_comes_back_under_its_own_name_only() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(folder.path()).unwrap();
        secrets.put(&name("cred_a", 1), Zeroizing::new("s3cret".to_owned())).unwrap();
        assert_eq!(secrets.reveal(&name("cred_a", 1)).unwrap().as_slice(), b"s3cret");

        let directory = folder.path().join("vault/default");
        fs::copy(directory.join("cred_a.1.sealed"), directory.join("cred_b.1.sealed")).unwrap();
        fs::copy(directory.join("cred_a.1.sealed"), directory.join("cred_a.2.sealed")).unwrap();
        secrets.reveal(&name("cred_b", 1)).unwrap_err();
        secrets.reveal(&name("cred_a", 2)).unwrap_err();
    }

    #[test]
    fn nothing_on_disk_is_readable_by_others_or_in_clear() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(folder.path()).unwrap();
        secrets.put(&name("cred_a", 1), Zeroizing::new("canary-canary".to_owned())).unwrap();
        for file in ["vault/master.key", "vault/default/cred_a.1.sealed"] {
            let path = folder.path().join(file);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{file}");
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|it| it == b"canary"), "{file}");
        }
    }

    #[test]
    fn a_lost_key_is_not_replaced_while_records_need_it() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(folder.path()).unwrap();
        secrets.put(&name("cred_a", 1), Zeroizing::new("s3cret".to_owned())).unwrap();
        fs::remove_file(folder.path().join("vault/master.key")).unwrap();
        Secrets::open(folder.path()).unwrap_err();
    }

    #[test]
    fn a_name_cannot_climb_out_of_the_vault() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(folder.path()).unwrap();
        let name = SecretName { client: "..".into(), credential: "../x".into(), version: 1 };
        secrets.put(&name, Zeroizing::new("s3cret".to_owned())).unwrap_err();
    }

    #[test]
    fn what_no_revision_names_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(folder.path()).unwrap();
        for version in [1, 2] {
            secrets.put(&name("cred_a", version), Zeroizing::new("s".to_owned())).unwrap();
        }
        secrets.retain(&[name("cred_a", 2)]);
        secrets.reveal(&name("cred_a", 1)).unwrap_err();
        secrets.reveal(&name("cred_a", 2)).unwrap();
        assert!(folder.path().join("vault/master.key").exists());
    }

    fn name(credential: &str, version: u32) -> SecretName {
        SecretName { client: "default".into(), credential: credential.into(), version }
    }
}
