//! The data directory.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

/// Where a gateway keeps its data; a temporary one goes with it.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _temporary: Option<TempDir>,
}

impl DataDir {
    /// The directory at `path`, made for this user alone if it is not there; or a temporary one.
    pub fn open(path: Option<PathBuf>) -> anyhow::Result<Self> {
        match path {
            Some(path) => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(&path)
                    .with_context(|| format!("cannot make {} (dataDir)", path.display()))?;
                warn_of_loose(&path);
                Ok(Self { path, _temporary: None })
            }
            None => {
                let folder = tempfile::Builder::new().prefix("rrgateway-").tempdir()?;
                Ok(Self { path: folder.path().to_owned(), _temporary: Some(folder) })
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `listen.json`: where to find a gateway whose ports were chosen for it.
    pub fn announce(&self, data: SocketAddr, control: SocketAddr) -> anyhow::Result<()> {
        let text = serde_json::json!({ "data": data, "control": control }).to_string();
        let draft = self.path.join("listen.json.draft");
        // The command line sends the owner's token where this leads: whatever the umask, nobody else
        // writes it.
        let mut how = OpenOptions::new();
        let how = how.write(true).create(true).truncate(true).mode(0o644);
        how.open(&draft)?.write_all((text + "\n").as_bytes())?;
        fs::rename(&draft, self.path.join("listen.json"))?;
        Ok(())
    }
}

// What is made here is for its owner alone; what was there before, or came out of a backup, may not
// be. That is said and left as it is: a group may be meant.
fn warn_of_loose(data_dir: &Path) {
    for Loose { path, mode, tight } in loose(data_dir) {
        let (path, mode) = (path.display(), format!("{mode:04o}"));
        tracing::warn!(%path, mode, "others than its owner have access to this: chmod {tight} {path}");
    }
}

/// Something that others than its owner have access to.
#[derive(Debug, PartialEq, Eq)]
struct Loose {
    path: PathBuf,
    mode: u32,
    /// The mode that it should have.
    tight: &'static str,
}

fn loose(data_dir: &Path) -> Vec<Loose> {
    let vault = data_dir.join("vault");
    let mut private: Vec<_> = PRIVATE.iter().map(|it| data_dir.join(it)).collect();
    // What cannot be listed is said by whoever needs it. Records are not looked at: their folders
    // keep others from them, and there are many.
    let tenants = fs::read_dir(&vault).into_iter().flatten().flatten().map(|it| it.path());
    private.extend(tenants.filter(|it| it.is_dir()));
    private.extend([data_dir.to_owned(), vault]);
    private.sort();
    private.into_iter().filter_map(Loose::at).collect()
}

impl Loose {
    fn at(path: PathBuf) -> Option<Self> {
        let found = fs::metadata(&path).ok()?;
        let mode = found.permissions().mode() & 0o7777;
        let tight = if found.is_dir() { "700" } else { "600" };
        (mode & 0o077 != 0).then_some(Self { path, mode, tight })
    }
}

/// The files with what is not for everybody. Beside a database, SQLite may have two more.
const PRIVATE: [&str; 10] = [
    "admin.token",
    "control.db",
    "control.db-shm",
    "control.db-wal",
    "counters.db",
    "counters.db-shm",
    "counters.db-wal",
    "records.db",
    "records.db-shm",
    "records.db-wal",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_have_access_to_is_told_once_for_each_path() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        DataDir::open(Some(data.clone())).unwrap();
        fs::create_dir_all(data.join("vault/default")).unwrap();
        fs::create_dir(data.join("vault/other")).unwrap();
        for file in ["admin.token", "control.db", "counters.db", "records.db-wal", "listen.json"] {
            fs::write(data.join(file), "").unwrap();
        }
        fs::write(data.join("vault/default/c.1.sealed"), "").unwrap();
        let set = |path: &str, mode| {
            fs::set_permissions(data.join(path), fs::Permissions::from_mode(mode)).unwrap();
        };
        for (path, mode) in [
            ("vault", 0o777),
            ("vault/default", 0o701),
            ("vault/other", 0o700),
            ("vault/default/c.1.sealed", 0o666),
            ("admin.token", 0o644),
            ("control.db", 0o660),
            ("counters.db", 0o600),
            ("records.db-wal", 0o602),
            ("listen.json", 0o644),
        ] {
            set(path, mode);
        }
        let found = |path: &str, mode, tight| Loose { path: data.join(path), mode, tight };
        let inside = [
            found("admin.token", 0o644, "600"),
            found("control.db", 0o660, "600"),
            found("records.db-wal", 0o602, "600"),
            found("vault", 0o777, "700"),
            found("vault/default", 0o701, "700"),
        ];
        assert_eq!(loose(&data), inside, "made for its owner alone");
        set("", 0o755);
        assert_eq!(loose(&data)[0].mode, 0o755);
        assert_eq!(loose(&data)[1..], inside);
    }
}
