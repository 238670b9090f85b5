//! Who is calling, once an authenticator has vouched for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Now;

/// A caller that has proved who it is.
///
/// Lives in the request's [`Context`](crate::Context). Its absence means "nobody has vouched",
/// never "trusted".
#[derive(Clone)]
pub struct Identity {
    named: Holder,
    // Of a token, where it says so: one credential stands for all whom its issuer vouches for.
    subject: Option<Arc<str>>,
    kind: &'static str,
    expires_at: Option<Duration>,
    validity: Option<Arc<dyn Validity>>,
}

/// Whether what a caller has shown is still good, where somebody else may take it back at any time.
///
/// For streams that outlive the check that opened them: one who relays them asks now and then.
pub trait Validity: Send + Sync {
    /// Whether the caller may stay, by what is known at this time. Must not wait: what has to be
    /// asked is said the next time.
    fn holds(&self, now: Now) -> bool;
}

/// A credential, as an [`Identity`] knows it: what it is called, and whom it names.
pub trait Named: Send + Sync {
    /// The id of the credential; never the credential itself.
    fn credential(&self) -> &Arc<str>;

    /// The stable name of whoever holds it.
    fn subject(&self) -> &Arc<str>;
}

/// Credentials that are shared as one: many, where each for itself would lie somewhere else in memory.
pub trait NamedList: Send + Sync {
    /// The one at this place.
    fn named(&self, at: u32) -> &dyn Named;
}

#[derive(Clone)]
enum Holder {
    One(Arc<dyn Named>),
    OneOf(Arc<dyn NamedList>, u32),
}

impl Holder {
    fn named(&self) -> &dyn Named {
        match self {
            Self::One(named) => &**named,
            Self::OneOf(list, at) => list.named(*at),
        }
    }
}

impl Identity {
    /// Vouches for `subject`, who showed the credential with the id `credential`: how is said by
    /// `kind`, such as `apiKey`.
    pub fn new(
        subject: impl Into<Arc<str>>,
        credential: impl Into<Arc<str>>,
        kind: &'static str,
    ) -> Self {
        let names = Names { subject: subject.into(), credential: credential.into() };
        Self::of(Arc::new(names), kind)
    }

    /// Vouches for whoever holds `named`. Of what is shared already, this copies nothing.
    #[must_use]
    pub fn of(named: Arc<dyn Named>, kind: &'static str) -> Self {
        Self::held(Holder::One(named), kind)
    }

    /// Vouches for whoever holds the one at this place of `list`. It must have one there.
    #[must_use]
    pub fn one_of(list: Arc<dyn NamedList>, at: u32, kind: &'static str) -> Self {
        Self::held(Holder::OneOf(list, at), kind)
    }

    const fn held(named: Holder, kind: &'static str) -> Self {
        Self { named, subject: None, kind, expires_at: None, validity: None }
    }

    /// It is `subject`, where that is not who the credential names.
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<Option<Arc<str>>>) -> Self {
        self.subject = subject.into();
        self
    }

    /// What was shown ends at `wall` (time since the Unix epoch): a stream that it opened should end
    /// then, too.
    #[must_use]
    pub fn ending_at(mut self, wall: impl Into<Option<Duration>>) -> Self {
        self.expires_at = wall.into();
        self
    }

    /// What was shown may be taken back before it ends: a stream that it opened should end then, too.
    #[must_use]
    pub fn while_valid(mut self, validity: impl Into<Option<Arc<dyn Validity>>>) -> Self {
        self.validity = validity.into();
        self
    }

    /// The stable name of the caller.
    #[must_use]
    pub fn subject(&self) -> &Arc<str> {
        self.subject.as_ref().unwrap_or_else(|| self.named.named().subject())
    }

    /// The id of the credential that it showed; never the credential itself.
    #[must_use]
    pub fn credential(&self) -> &Arc<str> {
        self.named.named().credential()
    }

    /// How it was shown: `apiKey`, `bearer`, …
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// When what it showed ends (time since the Unix epoch), where that is known.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Duration> {
        self.expires_at
    }

    /// Who knows whether what it showed is still good, where it may be taken back.
    #[must_use]
    pub const fn validity(&self) -> Option<&Arc<dyn Validity>> {
        self.validity.as_ref()
    }
}

struct Names {
    subject: Arc<str>,
    credential: Arc<str>,
}

impl Named for Names {
    fn credential(&self) -> &Arc<str> {
        &self.credential
    }

    fn subject(&self) -> &Arc<str> {
        &self.subject
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.subject() == other.subject()
            && self.credential() == other.credential()
            && (self.kind, self.expires_at) == (other.kind, other.expires_at)
    }
}

impl Eq for Identity {}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("subject", self.subject())
            .field("credential", self.credential())
            .field("kind", &self.kind)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_name_somebody_else_than_its_credential_does() {
        let plain = Identity::new("partners", "cred_1", "jwtVerify");
        let alice = plain.clone().with_subject(Arc::from("alice"));
        assert_eq!((&**plain.subject(), &**alice.subject()), ("partners", "alice"));
        assert_eq!(alice.credential(), plain.credential());
        assert_eq!(alice, Identity::new("alice", "cred_1", "jwtVerify"));
        assert_ne!(alice, plain);
        assert_ne!(alice.clone().ending_at(Duration::from_secs(1)), alice);
    }
}
