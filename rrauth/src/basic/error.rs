//! Why there is no hash, or nobody to ask for a password.

use std::sync::Arc;

use crate::random::RandomUnavailable;

/// There is no hash, and why. Shows neither password nor hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordHashError {
    /// A password that no caller could show.
    #[error("a password has 1 to {MAX_PASSWORD} bytes and no control characters")]
    Password,
    /// The stored form is something else.
    #[error("this is not an Argon2id hash of version 19 in canonical PHC form")]
    Form,
    /// It would cost too much to verify, or too little to be Argon2.
    #[error(
        "the cost is out of bounds: 8 KiB per lane to 256 MiB, memory times passes at most 1 GiB, at most 16 lanes"
    )]
    Cost,
    /// The memory to work in is not there.
    #[error("there is no memory for the hash")]
    OutOfMemory,
    /// There is nothing to make a salt of.
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
}

/// These accounts cannot be had. Names the credential, never the user or the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// No caller could show this user name.
    #[error(
        "credential {credential}: a user name has 1 to 256 bytes, no colon and no control characters"
    )]
    UserName {
        /// Whose it is.
        credential: Arc<str>,
    },
    /// Too many credentials have one user name.
    #[error("credential {credential}: more than 4 credentials have this user name")]
    TooMany {
        /// The one that is too many.
        credential: Arc<str>,
    },
    /// The hashes were made at too many different costs.
    #[error(
        "credential {credential}: its hash makes a guess cost more than 8 hashes of different costs"
    )]
    Costs {
        /// One whose hash is of a cost that is too many.
        credential: Arc<str>,
    },
}

// Beyond this, a password would cost its sender little and its reader much.
pub(crate) const MAX_PASSWORD: usize = 1024;
