//! The data plane's secrets, of which the control plane only sees the way in.

use std::path::Path;
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;

use anyhow::anyhow;
use zeroize::Zeroizing;

use crate::data_plane::secrets::inner::{Inner, binding, recognition};
use crate::data_plane::secrets::rotation;
use crate::data_plane::secrets::source::KeySources;
use crate::model::{Rotated, RotationFailed, SecretName, SecretRefused, SecretSink};

/// The data plane's secrets. The control plane gets it as a [`SecretSink`], which cannot read.
#[derive(Clone, Debug)]
pub struct Secrets {
    inner: Arc<Inner>,
}

impl Secrets {
    /// Opens `<data_dir>/vault/`, and makes it the first time, with a new key unless the operator
    /// gives one.
    ///
    /// # Errors
    /// When a key cannot be had, is weak, may be read by others, or is gone while sealed records
    /// are there; when records are under a key that is not given: better no gateway than one
    /// without its secrets.
    pub fn open(data_dir: &Path, sources: KeySources) -> anyhow::Result<Self> {
        Ok(Self { inner: Arc::new(Inner::open(data_dir.join("vault"), sources)?) })
    }

    /// Finishes, on a thread of its own, a change of the master key that did not end, and seals
    /// anew what is under an older key or in an older format. Ends early when the last clone is
    /// dropped. `None` where there is nothing to do.
    pub fn settle(&self) -> Option<JoinHandle<()>> {
        rotation::settle(&self.inner)
    }

    /// The secret called `name`.
    ///
    /// # Errors
    /// When there is no such record, or it is not what was sealed under that name.
    pub fn reveal(&self, name: &SecretName) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let vault = self.inner.vault();
        let sealed = self.inner.records.read(name);
        let sealed = sealed.map_err(|it| anyhow!("its record cannot be read: {it}"))?;
        Ok(vault.open(&binding(name), &sealed)?)
    }

    /// Puts `secret` in the place of what is called `name`: a server gave us another one for it.
    /// `false` where there is none in its place any more: what was forgotten stays so.
    ///
    /// # Errors
    /// When it cannot be sealed or written.
    pub fn rewrite(&self, name: &SecretName, secret: &str) -> anyhow::Result<bool> {
        let writing = self.inner.writing();
        if self.inner.records.find(name)?.is_none() {
            return Ok(false);
        }
        self.write(&writing, name, secret).map(|_| true)
    }

    fn write(
        &self,
        _: &MutexGuard<'_, ()>,
        name: &SecretName,
        secret: &str,
    ) -> anyhow::Result<String> {
        let binding = binding(name);
        let vault = self.inner.vault();
        let sealed = vault.seal(&binding, secret.as_bytes())?;
        self.inner.records.write(name, &sealed)?;
        Ok(vault.fingerprint(&binding, secret.as_bytes()))
    }
}

impl SecretSink for Secrets {
    fn put(&self, name: &SecretName, secret: Zeroizing<String>) -> Result<String, SecretRefused> {
        let writing = self.inner.writing();
        self.write(&writing, name, &secret).map_err(|it| SecretRefused::new(it.to_string()))
    }

    fn fingerprint(&self, client: &str, kept: &str) -> String {
        self.inner.vault().fingerprint(&recognition(client), kept.as_bytes())
    }

    fn forget(&self, name: &SecretName) {
        let _writing = self.inner.writing();
        // Already gone is as good. What could not be removed stays sealed and unnamed.
        _ = self.inner.records.remove(name);
    }

    fn retain(&self, live: &[SecretName]) {
        let _writing = self.inner.writing();
        // What is left stays sealed and unnamed.
        match self.inner.records.remove_all_but(live) {
            Ok(left) if left.is_empty() => {}
            Ok(left) => tracing::warn!(?left, "these could not be removed from the vault"),
            Err(error) => tracing::warn!(%error, "the vault could not be tidied"),
        }
    }

    fn rotate(&self) -> Result<Rotated, RotationFailed> {
        rotation::rotate(&self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs::{self, File};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use rrauth::{KeyId, MasterKey};
    use rustix::fs::{CWD, Mode, mkfifoat};
    use tempfile::TempDir;

    use crate::data_plane::secrets::source::KeySource;

    #[test]
    fn a_secret_comes_back_under_its_own_name_only() {
        let folder = filled(1);
        let directory = folder.path().join("vault/default");
        fs::copy(directory.join("cred_0.1.sealed"), directory.join("cred_b.1.sealed")).unwrap();
        fs::copy(directory.join("cred_0.1.sealed"), directory.join("cred_0.2.sealed")).unwrap();
        let secrets = open(folder.path());
        assert_all_reveal(&secrets, 1);
        secrets.reveal(&name("cred_b", 1)).unwrap_err();
        secrets.reveal(&name("cred_0", 2)).unwrap_err();
    }

    #[test]
    fn nothing_on_disk_is_readable_by_others_or_in_clear() {
        let folder = filled(1);
        open(folder.path()).rotate().unwrap();
        for (path, bytes) in snapshot(folder.path()) {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{path:?}");
            assert!(!bytes.windows(6).any(|it| it == b"canary"), "{path:?}");
        }
    }

    #[test]
    fn a_lost_key_is_not_replaced_while_records_need_it() {
        let folder = filled(1);
        fs::remove_file(folder.path().join("vault/master.key")).unwrap();
        assert!(refusal(folder.path(), KeySources::default()).contains("there is no such file"));
    }

    #[test]
    fn what_callers_show_has_a_fingerprint_that_takes_the_master_key() {
        let (one, other) = (filled(1), filled(1));
        let made = open(one.path()).fingerprint("default", "a digest");
        assert_eq!(made.len(), 8);
        assert_eq!(made, open(one.path()).fingerprint("default", "a digest"));
        assert_ne!(made, open(one.path()).fingerprint("default", "another"));
        assert_ne!(made, open(one.path()).fingerprint("another", "a digest"));
        assert_ne!(made, open(other.path()).fingerprint("default", "a digest"));
    }

    #[test]
    fn a_name_cannot_climb_out_of_the_vault() {
        let folder = tempfile::tempdir().unwrap();
        let name = SecretName { client: "..".into(), credential: "../x".into(), version: 1 };
        open(folder.path()).put(&name, secret(0)).unwrap_err();
    }

    #[test]
    fn what_no_revision_names_is_removed_and_nothing_else() {
        let folder = filled(1);
        let secrets = open(folder.path());
        secrets.put(&name("cred_0", 2), secret(0)).unwrap();
        secrets.retain(&[name("cred_0", 2)]);
        secrets.reveal(&name("cred_0", 1)).unwrap_err();
        secrets.reveal(&name("cred_0", 2)).unwrap();
        assert!(folder.path().join("vault/master.key").exists());
    }

    #[test]
    fn a_new_master_key_takes_over_and_the_old_one_is_gone() {
        let folder = filled(20);
        let secrets = open(folder.path());
        let old = key(folder.path());
        let Rotated { key_id, records } = secrets.rotate().unwrap();
        assert_eq!(records, 20);
        assert_all_reveal(&secrets, 20);
        let new = key(folder.path());
        assert_ne!(new, old);
        assert!(!folder.path().join("vault/master.key.new").exists());
        for (path, bytes) in snapshot(&folder.path().join("vault/default")) {
            assert_eq!(KeyId::of_record(&bytes).unwrap().to_string(), key_id, "{path:?}");
        }
        assert_all_reveal(&open(folder.path()), 20);
        assert!(open(folder.path()).settle().is_none());
        // Another one follows, and writes go on.
        secrets.rotate().unwrap();
        secrets.put(&name("cred_20", 1), secret(20)).unwrap();
        assert_all_reveal(&open(folder.path()), 21);
        write_private(&folder.path().join("vault/master.key"), &old);
        let said = refusal(folder.path(), KeySources::default());
        assert!(said.starts_with("21 of 21 records") && !said.contains('\n'), "{said}");
    }

    #[test]
    fn a_change_that_was_cut_off_anywhere_is_finished_at_the_next_start() {
        let folder = filled(8);
        let before = snapshot(folder.path());
        open(folder.path()).rotate().unwrap();
        let after = snapshot(folder.path());
        let vault = folder.path().join("vault");
        let (current, next) = (vault.join("master.key"), vault.join("master.key.new"));
        // How many records had been sealed anew when the power went.
        for done in 0..=8 {
            write_private(&current, &before[&current]);
            write_private(&next, &after[&current]);
            let records = before.keys().filter(|it| **it != current);
            for (index, record) in records.enumerate() {
                let all = if index < done { &after } else { &before };
                fs::write(record, &all[record]).unwrap();
            }
            fs::write(vault.join("default/cred_0.1.draft"), b"half a rec").unwrap();
            fs::write(vault.join("default/cred_7.1.resealed"), b"half a rec").unwrap();

            let secrets = open(folder.path());
            assert_all_reveal(&secrets, 8);
            secrets.settle().unwrap().join().unwrap();
            assert_all_reveal(&secrets, 8);
            assert_eq!(key(folder.path()).as_bytes(), after[&current], "{done}");
            assert!(!next.exists());
            assert_all_reveal(&open(folder.path()), 8);
        }
    }

    #[test]
    fn an_old_key_stays_while_a_record_needs_it() {
        let folder = filled(3);
        let record = folder.path().join("vault/default/cred_1.1.sealed");
        let mut bytes = fs::read(&record).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&record, bytes).unwrap();
        let secrets = open(folder.path());
        let old = key(folder.path());
        for _ in 0..2 {
            let error = secrets.rotate().unwrap_err();
            assert!(matches!(error, RotationFailed::Unfinished(_)), "{error}");
            assert!(error.to_string().contains("cred_1 version 1"), "{error}");
            assert_eq!(key(folder.path()), old);
            assert!(folder.path().join("vault/master.key.new").exists());
        }
        // Also a start does not do away with it.
        let secrets = open(folder.path());
        secrets.settle().unwrap().join().unwrap();
        assert_eq!(key(folder.path()), old);
        secrets.reveal(&name("cred_0", 1)).unwrap();
        // Given anew, it needs no old key.
        secrets.put(&name("cred_1", 1), secret(1)).unwrap();
        assert_eq!(secrets.rotate().unwrap().records, 3);
        assert_ne!(key(folder.path()), old);
        assert_all_reveal(&open(folder.path()), 3);
    }

    #[test]
    fn everything_is_read_and_written_while_keys_change() {
        let folder = filled(30);
        let secrets = open(folder.path());
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert_all_reveal(&secrets, 30);
                }
            });
            scope.spawn(|| {
                for version in 1.. {
                    let name = name("new", version);
                    secrets.put(&name, secret(7)).unwrap();
                    assert_eq!(*secrets.reveal(&name).unwrap(), secret(7).as_bytes());
                    secrets.forget(&name);
                    assert!(secrets.reveal(&name).is_err());
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            for _ in 0..5 {
                secrets.rotate().unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_all_reveal(&open(folder.path()), 30);
        // What was forgotten has not come back.
        assert_eq!(snapshot(&folder.path().join("vault/default")).len(), 30);
    }

    #[test]
    fn a_key_that_was_exchanged_behind_our_back_is_not_overwritten() {
        let folder = filled(1);
        let secrets = open(folder.path());
        let other = MasterKey::load_or_create(&folder.path().join("other")).unwrap();
        fs::rename(folder.path().join("other"), folder.path().join("vault/master.key")).unwrap();
        let error = secrets.rotate().unwrap_err();
        assert!(matches!(error, RotationFailed::Refused(_)), "{error}");
        assert_eq!(
            MasterKey::load(&folder.path().join("vault/master.key")).unwrap().id(),
            other.id()
        );
        assert_all_reveal(&secrets, 1);
    }

    #[test]
    fn a_key_from_a_command_is_changed_by_giving_the_one_before_too() {
        let folder = filled(3);
        let old = folder.path().join("vault/master.key");
        let new = folder.path().join("elsewhere.key");
        MasterKey::load_or_create(&new).unwrap();
        let cat = |path: &Path| {
            let argv = ["cat", path.to_str().unwrap()];
            Some(KeySource::Command(argv.map(str::to_owned).to_vec()))
        };
        let alone = || KeySources { current: cat(&new), previous: None };
        assert!(refusal(folder.path(), alone()).contains("3 of 3 records"));

        let both = KeySources { current: cat(&new), previous: Some(KeySource::File(old.clone())) };
        let secrets = Secrets::open(folder.path(), both).unwrap();
        assert_all_reveal(&secrets, 3);
        let error = secrets.rotate().unwrap_err().to_string();
        assert!(error.contains("the command cat: ") && error.contains("previousKey"), "{error}");
        secrets.settle().unwrap().join().unwrap();
        // Nobody needs the old one, and it is the operator's to remove.
        assert!(old.exists());
        assert_all_reveal(&Secrets::open(folder.path(), alone()).unwrap(), 3);
    }

    #[test]
    fn one_record_that_is_none_costs_no_other_its_secret() {
        let folder = filled(2);
        fs::write(folder.path().join("vault/default/cred_0.1.sealed"), b"").unwrap();
        let secrets = open(folder.path());
        secrets.reveal(&name("cred_0", 1)).unwrap_err();
        assert_eq!(*secrets.reveal(&name("cred_1", 1)).unwrap(), secret(1).as_bytes());
    }

    #[test]
    fn what_lies_in_a_records_place_costs_no_other_its_secret() {
        let folder = filled(7);
        let record = |index| folder.path().join(format!("vault/default/cred_{index}.1.sealed"));
        for index in 0..5 {
            fs::rename(record(index), folder.path().join(format!("away_{index}"))).unwrap();
        }
        fs::create_dir(record(0)).unwrap();
        symlink("/dev/zero", record(1)).unwrap();
        symlink(folder.path().join("away_2"), record(2)).unwrap();
        mkfifoat(CWD, record(3), Mode::RUSR | Mode::WUSR).unwrap();
        File::create(record(4)).unwrap().set_len(1 << 40).unwrap();
        let secrets = open(folder.path());
        for (index, why) in [
            (0, "it is not a file"),
            (1, "it is a symbolic link"),
            (2, "it is a symbolic link"),
            (3, "it is not a file"),
            (4, "it is longer than any record"),
        ] {
            let said = secrets.reveal(&name(&format!("cred_{index}"), 1)).unwrap_err().to_string();
            assert_eq!(said, format!("its record cannot be read: {why}"));
        }
        for index in 5..7 {
            let found = secrets.reveal(&name(&format!("cred_{index}"), 1)).unwrap();
            assert_eq!(*found, secret(index).as_bytes());
        }
        // What could not be read may be under the old key.
        let old = key(folder.path());
        let said = secrets.rotate().unwrap_err().to_string();
        assert!(said.contains("5 records") && said.contains("cred_3 version 1"), "{said}");
        assert_eq!(key(folder.path()), old);
        let said = secrets.inner.retire().unwrap_err().to_string();
        assert!(said.contains("cannot be read") && said.contains("cred_3 version 1"), "{said}");
        assert_eq!(key(folder.path()), old);
        // Without them, it goes on.
        secrets.retain(&[name("cred_5", 1), name("cred_6", 1)]);
        assert_eq!(secrets.rotate().unwrap().records, 2);
        assert!(folder.path().join("away_2").exists());
    }

    #[test]
    fn a_source_prints_no_arguments() {
        let source = KeySource::Command(vec!["get".to_owned(), "token=canary".to_owned()]);
        assert_eq!(format!("{source:?} {source}"), "the command get the command get");
    }

    fn filled(count: usize) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let secrets = open(folder.path());
        for index in 0..count {
            secrets.put(&name(&format!("cred_{index}"), 1), secret(index)).unwrap();
        }
        folder
    }

    fn open(folder: &Path) -> Secrets {
        Secrets::open(folder, KeySources::default()).unwrap()
    }

    #[track_caller]
    fn refusal(folder: &Path, sources: KeySources) -> String {
        Secrets::open(folder, sources).unwrap_err().to_string()
    }

    #[track_caller]
    fn assert_all_reveal(secrets: &Secrets, count: usize) {
        for index in 0..count {
            let found = secrets.reveal(&name(&format!("cred_{index}"), 1)).unwrap();
            assert_eq!(*found, secret(index).as_bytes());
        }
    }

    // All files under `folder`, with what is in them.
    fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                all.extend(snapshot(&path));
            } else {
                all.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
        all
    }

    fn write_private(path: &Path, bytes: impl AsRef<[u8]>) {
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn key(folder: &Path) -> String {
        fs::read_to_string(folder.join("vault/master.key")).unwrap()
    }

    fn secret(index: usize) -> Zeroizing<String> {
        Zeroizing::new(format!("canary-{index}"))
    }

    fn name(credential: &str, version: u32) -> SecretName {
        SecretName { client: "default".into(), credential: credential.into(), version }
    }
}
