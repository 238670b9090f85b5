//! Where a master key may come from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rrauth::{MasterKey, VaultError};

/// Where a master key comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file of mode 0600.
    File(PathBuf),
    /// The environment variable of this name.
    Variable(String),
    /// What a command prints: the program and its arguments, without a shell.
    Command(Vec<String>),
}

/// The keys that an operator gives. Without any, the key is in `<dataDir>/vault/master.key`, made on
/// the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySources {
    /// The key that is sealed under.
    pub current: Option<KeySource>,
    /// The one before, for as long as records are under it.
    pub previous: Option<KeySource>,
}

impl KeySource {
    /// Reads the key.
    pub(super) fn load(&self) -> Result<MasterKey, VaultError> {
        match self {
            Self::File(path) => MasterKey::load(path),
            Self::Variable(name) => MasterKey::from_variable(name),
            Self::Command(argv) => MasterKey::from_command(argv, PATIENCE),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            // Its arguments may be secret.
            Self::Command(argv) => {
                write!(f, "the command {}", argv.first().map_or("", |it| it))
            }
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key server far away answers within it.
const PATIENCE: Duration = Duration::from_secs(30);
