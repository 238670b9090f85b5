//! Why passwords cannot be asked for.

use std::sync::Arc;

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
