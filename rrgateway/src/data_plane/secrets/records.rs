//! The vault's records on disk: one file per version of a secret, sealed, written whole or not at
//! all.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

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
        let draft = path.with_extension("draft");
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
        let draft = path.with_extension("resealed");
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

    /// Removes all files in the tenants' folders but the records of `live`. What cannot be removed
    /// keeps no other from it, and is returned.
    pub(super) fn remove_all_but(&self, live: &[SecretName]) -> io::Result<Vec<PathBuf>> {
        let live: HashSet<_> = live.iter().filter_map(|it| self.path(it).ok()).collect();
        let mut left = Vec::new();
        for folder in self.folders()? {
            for record in fs::read_dir(&folder)? {
                let record = record?.path();
                if !live.contains(&record) && remove(&record).is_err() {
                    left.push(record);
                }
            }
        }
        Ok(left)
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
/// What is sealed came in a document of 1 MiB at most, of which it is a part, and there is the envelope.
const LONGEST: u64 = (1 << 20) + 4_096;
