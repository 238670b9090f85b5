//! The owner's token: made on the first start, given to the operator as a file, kept as a digest.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::control_plane::store::error::StoreError;

/// The file in the data directory that holds the token.
pub(crate) const FILE: &str = "admin.token";

/// Recognises the owner's token.
#[derive(Clone)]
pub(crate) struct Owner {
    digest: [u8; 32],
}

impl Owner {
    /// The owner that `connection` knows. Without one, a token is made and written to `directory`:
    /// first the file, then the digest, so that a crash in between leaves no token that nobody has.
    pub(crate) fn known_or_made(
        connection: &Connection,
        directory: &Path,
    ) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let database = |why| StoreError::Database { path: directory.into(), why };
        let known = connection
            .query_row("SELECT digest FROM owner WHERE one = 1", [], |row| row.get(0))
            .optional()
            .map_err(database)?;
        if let Some(digest) = known {
            if !path.exists() {
                tracing::warn!(
                    path = %path.display(),
                    "the file with the owner's token is gone; the token itself is still valid, \
                     and a new one cannot be had without it"
                );
            }
            return Ok(Self { digest });
        }
        let token = generate()?;
        publish(directory, &token)?;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let kept = connection.execute("INSERT INTO owner (one, digest) VALUES (1, ?)", [digest]);
        kept.map_err(database)?;
        tracing::info!(path = %path.display(), "the owner's token is in this file");
        Ok(Self { digest })
    }

    /// Whether `token` is the owner's. Takes as long whatever it is.
    pub(crate) fn is(&self, token: &[u8]) -> bool {
        let shown: [u8; 32] = Sha256::digest(token).into();
        shown.ct_eq(&self.digest).into()
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owner(…)")
    }
}

// 256 random bits.
fn generate() -> Result<Zeroizing<String>, StoreError> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *bytes).map_err(|_| StoreError::NoRandomness)?;
    let mut token = Zeroizing::new(String::with_capacity(7 + 64));
    token.push_str("rr_tok_");
    for byte in *bytes {
        token.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        token.push(char::from_digit(u32::from(byte & 0xf), 16).unwrap_or('0'));
    }
    Ok(token)
}

// A new file under another name, whole and on disk before it takes its place.
fn publish(directory: &Path, token: &str) -> Result<(), StoreError> {
    let (path, draft) = (directory.join(FILE), directory.join("admin.token.new"));
    let write = || {
        // Left over from a start that was interrupted.
        if draft.symlink_metadata().is_ok() {
            std::fs::remove_file(&draft)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        writeln!(file, "{token}")?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(StoreError::file(&path))
}
