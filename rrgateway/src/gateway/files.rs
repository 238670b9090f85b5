//! The data directory.

use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
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
        fs::write(&draft, text + "\n")?;
        fs::rename(&draft, self.path.join("listen.json"))?;
        Ok(())
    }
}
