//! Who verifies what no index can know: signed tokens, passwords, certificates.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use http::Extensions;
use rrcore::Now;

#[cfg(any(feature = "jwt", feature = "introspection", feature = "mtls"))]
use crate::inbound::credential::Credential;
use crate::inbound::digest::KeyDigest;
use crate::inbound::proof::Proof;

/// Verifies bearer tokens that are more than a secret to be looked up.
///
/// Those of one [`AuthLayer`](crate::AuthLayer) are asked in the order they were given, until one
/// does not say [`Verdict::NotMine`].
pub trait TokenVerifier<T>: Send + Sync {
    /// What is to be said of `token`, at this time: one word of visible ASCII, at most 8 KiB.
    fn verify(&self, token: &str, now: Now) -> Verdict<T>;

    /// The same of a token whose digest may be known already. For who remembers verdicts.
    fn verify_shown(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        self.verify(token.expose(), now)
    }

    /// What is known of it already, for who only wants to know what would be said: must call nobody,
    /// and begin nothing. Unless implemented, nobody can tell.
    fn known(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        let _ = (token, now);
        Verdict::Ready(Err(Unproved::Unavailable(LATER.to_owned())))
    }

    /// Whose signed tokens (the `iss` of a JWT) it knows, if it knows those of one issuer only: of
    /// many, [`AnyOf`](crate::AnyOf) asks those of the issuer that a token names.
    fn issuer(&self) -> Option<&str> {
        None
    }
}

/// What a verifier says that would have to wait.
pub(crate) const LATER: &str =
    "this takes a slow check or a call, which a description does not get";

/// Verifies user names and passwords (`Basic`, RFC 7617).
pub trait PasswordVerifier<T>: Send + Sync {
    /// What is to be said of this pair, at this time. Must take as long for a user that does not
    /// exist as for a wrong password.
    fn verify(&self, username: &str, password: &str, now: Now) -> Verdict<T>;
}

/// Vouches for callers that show nothing, by what the server knows of their connection and left in
/// the request's extensions, such as a verified client certificate. A client cannot write there.
pub trait ConnectionVerifier<T>: Send + Sync {
    /// What is to be said of a request with these extensions. [`None`]: nothing is known of it.
    fn verify(&self, extensions: &Extensions, now: Now) -> Option<Result<Proof<T>, Unproved>>;
}

/// A bearer token as it was shown: one word of visible ASCII, at most 8 KiB.
#[derive(Clone, Copy)]
pub struct ShownToken<'a> {
    bytes: &'a [u8],
    // Shared by all who are asked about it.
    digest: &'a OnceLock<KeyDigest>,
}

impl<'a> ShownToken<'a> {
    /// `digest`, if it was taken already, must be that of `text`.
    pub(crate) const fn new(text: &'a str, digest: &'a OnceLock<KeyDigest>) -> Self {
        Self::of_ascii(text.as_bytes(), digest)
    }

    /// As [`new`](Self::new), of ASCII: who goes by a digest need not read the text.
    pub(crate) const fn of_ascii(bytes: &'a [u8], digest: &'a OnceLock<KeyDigest>) -> Self {
        Self { bytes, digest }
    }

    /// The token itself. Verify it; never log it.
    #[must_use]
    pub fn expose(self) -> &'a str {
        std::str::from_utf8(self.bytes).unwrap_or_default()
    }

    /// The same, without a look at whether it is text.
    #[cfg(feature = "jwt")]
    pub(crate) const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Its SHA-256, for a cache of verdicts: taken once for all who ask.
    #[must_use]
    pub fn digest(self) -> &'a KeyDigest {
        self.digest.get_or_init(|| KeyDigest::of(self.bytes))
    }

    /// The same, where somebody has asked before: the index, if it knows anybody.
    pub(crate) const fn taken(self) -> &'a OnceLock<KeyDigest> {
        self.digest
    }
}

impl fmt::Debug for ShownToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownToken(…)")
    }
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

impl Unproved {
    /// The same, as the callers of `credential` may hear it: one that is switched off is not known,
    /// whatever is shown for it.
    #[cfg(any(feature = "jwt", feature = "introspection", feature = "mtls"))]
    pub(crate) fn of<T>(self, credential: &Credential<T>) -> Self {
        match self {
            Self::Expired(reason) if !credential.active => Self::Invalid(reason),
            Self::Expired(_) | Self::Invalid(_) | Self::Unavailable(_) => self,
        }
    }
}

impl<T, V: TokenVerifier<T> + ?Sized> TokenVerifier<T> for Arc<V> {
    fn verify(&self, token: &str, now: Now) -> Verdict<T> {
        (**self).verify(token, now)
    }

    fn verify_shown(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        (**self).verify_shown(token, now)
    }

    fn known(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        (**self).known(token, now)
    }

    fn issuer(&self) -> Option<&str> {
        (**self).issuer()
    }
}

impl<T, V: PasswordVerifier<T> + ?Sized> PasswordVerifier<T> for Arc<V> {
    fn verify(&self, username: &str, password: &str, now: Now) -> Verdict<T> {
        (**self).verify(username, password, now)
    }
}

impl<T, V: ConnectionVerifier<T> + ?Sized> ConnectionVerifier<T> for Arc<V> {
    fn verify(&self, extensions: &Extensions, now: Now) -> Option<Result<Proof<T>, Unproved>> {
        (**self).verify(extensions, now)
    }
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
