//! The vault's records on disk: one file per version of a secret, sealed, written whole or not at
//! all.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rrauth::KeyId;
use rrcore::Clock;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::model::SecretName;

/// The folder of a vault, with one folder for each tenant in it.
#[derive(Debug)]
pub(super) struct Records {
    directory: PathBuf,
}

/// A record that is on disk, but not in its place.
#[must_use]
#[derive(Debug)]
pub(super) struct Draft {
    draft: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Either record is on disk, until [`Records::sync`]: then it is this one.
    pub(super) fn publish(self) -> io::Result<()> {
        fs::rename(self.draft, self.path)
    }

    pub(super) fn discard(self) -> io::Result<()> {
        fs::remove_file(self.draft)
    }
}

impl Records {
    /// Those in `directory`, which is made, for its owner only, if it is not there.
    pub(super) fn open(directory: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn read(&self, name: &SecretName) -> io::Result<Vec<u8>> {
        read_whole(&self.path(name)?)
    }

    /// `None` where there is none, or no longer.
    pub(super) fn find(&self, name: &SecretName) -> io::Result<Option<Vec<u8>>> {
        match self.read(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// On disk when this returns.
    pub(super) fn write(&self, name: &SecretName, sealed: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let folder = path.parent().unwrap_or(&self.directory);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let draft = path.with_extension(DRAFT);
        write_synced(&draft, sealed)?;
        fs::rename(&draft, &path)?;
        // The rename itself must be on disk before a revision names the record.
        sync(folder)?;
        sync(&self.directory)
    }

    /// Writes down, beside the record `name`, what is to take its place.
    pub(super) fn draft(&self, name: &SecretName, sealed: &[u8]) -> io::Result<Draft> {
        let path = self.path(name)?;
        // Not what `write` calls its own, which may be at work at the same time.
        let draft = path.with_extension(RESEALED);
        write_synced(&draft, sealed)?;
        Ok(Draft { draft, path })
    }

    /// What was published is on disk when this returns.
    pub(super) fn sync(&self) -> io::Result<()> {
        for folder in self.folders()? {
            sync(&folder)?;
        }
        sync(&self.directory)
    }

    pub(super) fn remove(&self, name: &SecretName) -> io::Result<()> {
        remove(&self.path(name)?)
    }

    /// Removes all that is ours in the tenants' folders but the records of `live`, and those that a newer
    /// configuration may still name: an older one may have been put back by mistake. They are left
    /// for [`KEPT`]. What cannot be removed keeps no other from it, and is returned.
    pub(super) fn remove_all_but(&self, live: &[SecretName]) -> io::Result<Vec<PathBuf>> {
        self.sweep(live, Clock::system().now().wall)
    }

    // `now` is the time since the Unix epoch.
    //
    // Strays keep their names: a change of the master key seals them anew like all others, and
    // whatever names them again finds them. An empty file beside each says since when it is one.
    fn sweep(&self, live: &[SecretName], now: Duration) -> io::Result<Vec<PathBuf>> {
        let (mut found, mut kept, mut left) = (Vec::new(), HashSet::new(), Vec::new());
        let (strays, others) = self.unnamed(live)?;
        for record in strays {
            let mark = record.with_extension(STRAY);
            match stray_for(&mark, now) {
                Ok(Some(age)) if age >= KEPT => {
                    left.extend(remove(&record).is_err().then_some(record));
                    continue;
                }
                Ok(Some(_)) => {}
                Ok(None) => found.push(record),
                Err(error) => {
                    let record = record.display();
                    tracing::warn!(%record, %error, "nobody can tell how long this is unnamed");
                }
            }
            kept.insert(mark);
        }
        // The mark of what is gone or named again, and drafts. What somebody else put there is his.
        let others = others.into_iter().filter(|it| is_of_ours(it) && !kept.contains(it));
        left.extend(others.filter(|it| remove(it).is_err()));
        if let Some(first) = found.first() {
            tracing::warn!(
                records = found.len(),
                first = %first.display(),
                "the vault has secrets that are newer than the configuration. If an older control.db \
                 was put back, stop the gateway and put back the one that belongs to this vault. \
                 What is still not named after 7 days is removed with the start that follows"
            );
        }
        Ok(left)
    }

    // What is not in `live`: records that something newer may name, and other files.
    fn unnamed(&self, live: &[SecretName]) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
        let mut newest = HashMap::new();
        for it in live {
            let newest = newest.entry((&*it.client, &*it.credential)).or_insert(it.version);
            *newest = it.version.max(*newest);
        }
        // Versions only grow: what names a version has forgotten those before it that it does not
        // name.
        let is_newer = |it: &SecretName| {
            let newest = newest.get(&(&*it.client, &*it.credential));
            newest.is_none_or(|newest| it.version > *newest)
        };
        let live: HashSet<_> = live.iter().filter_map(|it| self.path(it).ok()).collect();
        let (mut strays, mut others) = (Vec::new(), Vec::new());
        for folder in self.folders()? {
            for file in fs::read_dir(&folder)? {
                let file = file?.path();
                let name = name(&file).filter(|it| self.path(it).is_ok_and(|it| it == file));
                if live.contains(&file) {
                    continue;
                } else if name.is_some_and(|it| is_newer(&it)) && may_be_record(&file) {
                    strays.push(file);
                } else {
                    others.push(file);
                }
            }
        }
        Ok((strays, others))
    }

    /// All that there are.
    pub(super) fn names(&self) -> io::Result<Vec<SecretName>> {
        let mut names = Vec::new();
        for folder in self.folders()? {
            for record in fs::read_dir(&folder)? {
                // What is called otherwise is no record: nobody could ask for it.
                names.extend(name(&record?.path()).filter(|it| self.path(it).is_ok()));
            }
        }
        Ok(names)
    }

    /// Whether nothing was ever written, or all of it is gone.
    pub(super) fn is_empty(&self) -> io::Result<bool> {
        for folder in self.folders()? {
            if fs::read_dir(&folder)?.next().is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn folders(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.directory)?.map(|it| it.map(|it| it.path()));
        entries.filter(|it| it.as_ref().map_or(true, |it| it.is_dir())).collect()
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
        let file = format!("{}.{}.{SEALED}", name.credential, name.version);
        Ok(self.directory.join(&*name.client).join(file))
    }
}

// By its name, whatever it is.
fn is_of_ours(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str());
    extension.is_some_and(|it| [SEALED, DRAFT, RESEALED, STRAY].contains(&it))
}

fn name(path: &Path) -> Option<SecretName> {
    let client = path.parent()?.file_name()?.to_str()?.into();
    let file = path.file_name()?.to_str()?.strip_suffix(SEALED)?.strip_suffix('.')?;
    let (credential, version) = file.rsplit_once('.')?;
    Some(SecretName { client, credential: credential.into(), version: version.parse().ok()? })
}

// Whatever lies in a record's place must not keep the gateway from the others: a FIFO would have it
// wait, a link could lead to what never ends.
fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path, OpenOptions::new().read(true))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a file"));
    }
    let mut sealed = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut sealed)?;
    match u64::try_from(sealed.len()) {
        Ok(..=LONGEST) => Ok(sealed),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than any record")),
    }
}

// Neither follows a link nor waits for who is at the other end of a FIFO.
fn open(path: &Path, how: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    how.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
        let is_link = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
        if is_link { io::Error::new(error.kind(), "it is a symbolic link") } else { error }
    })
}

// For how long the record of `mark` has been unnamed. `None`: from now on, which is written down.
fn stray_for(mark: &Path, now: Duration) -> io::Result<Option<Duration>> {
    let since = match fs::symlink_metadata(mark) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return write_synced(mark, b"").map(|()| None);
        }
        known => known?.modified()?,
    };
    let since = since.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    // None where the clock went back.
    Ok(Some(now.saturating_sub(since)))
}

// What cannot be read now may be one.
fn may_be_record(path: &Path) -> bool {
    let is_like_one = fs::symlink_metadata(path).map(|it| it.is_file() && it.len() <= LONGEST);
    is_like_one.unwrap_or(true)
        && read_whole(path).map_or(true, |it| KeyId::of_record(&it).is_some())
}

// Also an empty folder that somebody has put in a record's place: it would keep the master key from
// being changed for ever.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir(path),
        removed => removed,
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A draft that a crash left behind is overwritten by this one.
    let mut file =
        open(path, OpenOptions::new().write(true).create(true).truncate(true).mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

const SEALED: &str = "sealed";
const DRAFT: &str = "draft";
const RESEALED: &str = "resealed";
const STRAY: &str = "orphan";
/// How long a record stays that the configuration does not name: time to notice that the wrong one
/// was put back.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// What is sealed came in a document of 1 MiB at most, of which it is a part, and there is the envelope.
const LONGEST: u64 = (1 << 20) + 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    use rrauth::{Binding, MasterKey, Vault};
    use tempfile::TempDir;

    #[test]
    fn an_older_configuration_costs_no_newer_one_its_secrets() {
        let (folder, records) = filled(&[("up", 2), ("new", 1)]);
        // As of when `up` had its first secret, and there was no `new`.
        assert_eq!(sweep(&records, &[("up", 1)], 0), ["new.1.sealed", "up.2.sealed"]);
        assert_eq!(sweep(&records, &[("up", 1)], 6), ["new.1.sealed", "up.2.sealed"]);
        assert_eq!(sweep(&records, &[("up", 2), ("new", 1)], 6), ["new.1.sealed", "up.2.sealed"]);
        assert_eq!(files(folder.path()).len(), 2, "nothing is beside them any more");
        // Their time begins anew.
        assert_eq!(sweep(&records, &[("up", 1)], 8), ["new.1.sealed", "up.2.sealed"]);
    }

    #[test]
    fn what_nothing_names_for_long_is_removed() {
        let (folder, records) = filled(&[("up", 2), ("other", 1)]);
        assert_eq!(sweep(&records, &[("other", 1)], 0), ["other.1.sealed", "up.2.sealed"]);
        assert_eq!(sweep(&records, &[("other", 1)], 8), ["other.1.sealed"]);
        assert_eq!(files(folder.path()), ["other.1.sealed"]);
    }

    #[test]
    fn what_nothing_newer_can_name_is_removed_at_once() {
        let (folder, records) = filled(&[("up", 1), ("up", 2), ("up", 3)]);
        let folder = folder.path().join("default");
        fs::write(folder.join("up.9.draft"), b"half a rec").unwrap();
        fs::write(folder.join("up.9.sealed"), b"no record").unwrap();
        fs::write(folder.join("gone.1.orphan"), b"").unwrap();
        fs::create_dir(folder.join("up.8.sealed")).unwrap();
        assert_eq!(sweep(&records, &[("up", 2), ("up", 3)], 0), ["up.2.sealed", "up.3.sealed"]);
    }

    #[test]
    fn what_somebody_else_put_there_stays() {
        let (folder, records) = filled(&[("up", 1)]);
        for file in ["notes.txt", "up.1.sealed.bak"] {
            fs::write(folder.path().join("default").join(file), b"theirs").unwrap();
        }
        let left = sweep(&records, &[("up", 1)], 8);
        assert_eq!(left, ["notes.txt", "up.1.sealed", "up.1.sealed.bak"]);
    }

    fn filled(names: &[(&str, u32)]) -> (TempDir, Records) {
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::load_or_create(&folder.path().join("key")).unwrap();
        fs::remove_file(folder.path().join("key")).unwrap();
        let vault = Vault::new(key);
        let records = Records::open(folder.path().to_owned()).unwrap();
        for name in names.iter().copied().map(named) {
            let SecretName { client, credential, version } = &name;
            let binding = Binding { client, credential, version: *version, purpose: "test" };
            records.write(&name, &vault.seal(&binding, b"canary").unwrap()).unwrap();
        }
        (folder, records)
    }

    // What is left of the records, so many days from now.
    fn sweep(records: &Records, live: &[(&str, u32)], days: u32) -> Vec<String> {
        let live: Vec<_> = live.iter().copied().map(named).collect();
        let later = Clock::system().now().wall + days * Duration::from_secs(24 * 3600);
        assert!(records.sweep(&live, later).unwrap().is_empty());
        let mut files = files(records.directory());
        files.retain(|it| !it.ends_with(".orphan"));
        files
    }

    fn files(vault: &Path) -> Vec<String> {
        let files = fs::read_dir(vault.join("default")).unwrap();
        let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn named((credential, version): (&str, u32)) -> SecretName {
        SecretName { client: "default".into(), credential: credential.into(), version }
    }
}
