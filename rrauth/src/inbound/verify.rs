//! Who verifies what no index can know: signed tokens, passwords, certificates.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use rrcore::Now;

use crate::inbound::proof::Proof;

/// Verifies bearer tokens that are more than a secret to be looked up.
///
/// Those of one [`AuthLayer`](crate::AuthLayer) are asked in the order they were given, until one
/// says that the token is its own.
pub trait TokenVerifier<T>: Send + Sync {
    /// What is to be said of `token` (one word of visible ASCII, at most 8 KiB), at this time.
    fn verify(&self, token: &str, now: Now) -> Verdict<T>;
}

/// Verifies user names and passwords (`Basic`, RFC 7617).
pub trait PasswordVerifier<T>: Send + Sync {
    /// What is to be said of this pair, at this time. Must take as long for a user that does not
    /// exist as for a wrong password.
    fn verify(&self, username: &str, password: &str, now: Now) -> Verdict<T>;
}

/// What a verifier says.
pub enum Verdict<T> {
    /// It is not one of this verifier's: ask the next.
    NotMine,
    /// Known at once.
    Ready(Result<Proof<T>, Unproved>),
    /// Known later. Dropping the future gives up waiting.
    Pending(VerdictFuture<T>),
}

/// The wait for a verdict. Boxed, since it means a slow hash or a call.
pub type VerdictFuture<T> = Pin<Box<dyn Future<Output = Result<Proof<T>, Unproved>> + Send>>;

/// Why nothing was proved. The reasons are for the operator; the caller learns the kind only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unproved {
    /// It is wrong, whatever it is: 401 `credential-invalid`.
    Invalid(String),
    /// It was right, and is too old; say so only of what was verified: 401 `credential-expired`.
    Expired(String),
    /// Nobody can tell now: 503 `auth-unavailable`, never 401.
    Unavailable(String),
}

impl<T> fmt::Debug for Verdict<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMine => f.write_str("NotMine"),
            Self::Ready(ready) => f.debug_tuple("Ready").field(ready).finish(),
            Self::Pending(_) => f.write_str("Pending(…)"),
        }
    }
}
