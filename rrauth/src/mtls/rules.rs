//! Whose credential a client certificate is.

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use regex::{Regex, RegexBuilder};
use rrcore::Now;

use crate::inbound::credential::Credential;
use crate::inbound::proof::Proof;
use crate::inbound::verify::{ConnectionVerifier, Unproved};
use crate::mtls::certificate::ClientCertificate;

/// The certificates whose holder is called so are a credential's.
///
/// The pattern is a regular expression in the syntax of the `regex` crate, and must match **the
/// whole** name, as if it stood between `^` and `$`: `spiffe://example\.org/build` is neither
/// `spiffe://example.org/build2` nor `spiffe://evil.example/spiffe://example.org/build`. What it is
/// matched against is said at [`ClientCertificate::names`]. Mind the dots of domains: `.` is any
/// character, `\.` a dot. DNS names are in lower case.
pub struct CertificateRule<T> {
    pattern: Regex,
    credential: Arc<Credential<T>>,
}

/// A pattern cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern cannot be used: {reason}")]
pub struct InvalidPattern {
    reason: String,
}

/// Credentials by the names of client certificates, immutable: build new ones to change them.
///
/// ```
/// # let made = rcgen::generate_simple_self_signed(vec!["build.example.com".to_owned()]).unwrap();
/// # let certificate_of_the_connection: &[u8] = made.cert.der();
/// use rrauth::{CertificateRule, ClientCertificate, ClientCertificates, Credential, Kind};
///
/// let builders = Credential::new("cred_1", "builders", Kind::Mtls, ());
/// let known = ClientCertificates::new([CertificateRule::new(r"[a-z]+\.example\.com", builders)?]);
///
/// let certificate = ClientCertificate::from_der(certificate_of_the_connection)?;
/// let proof = known.find(&certificate, rrcore::Clock::system().now()).unwrap();
/// assert_eq!(proof.credential.id.as_ref(), "cred_1");
/// assert_eq!(proof.subject.as_deref(), Some("build.example.com"));
/// assert_eq!(proof.expires_at, Some(certificate.not_after()));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Caveats
///
/// The rules are tried one after the other, each against each name: the time is linear in their
/// number. Hundreds are no problem; for thousands, name the credential in the certificate and look
/// it up.
pub struct ClientCertificates<T> {
    rules: Box<[CertificateRule<T>]>,
}

impl<T> CertificateRule<T> {
    /// Certificates whose holder's name `pattern` matches are this credential's.
    ///
    /// # Errors
    /// [`InvalidPattern`] for what is no regular expression, is longer than 4 KiB, nested deeper
    /// than 50, or compiled more than 1 MiB.
    pub fn new(
        pattern: &str,
        credential: impl Into<Arc<Credential<T>>>,
    ) -> Result<Self, InvalidPattern> {
        if pattern.len() > MAX_PATTERN {
            return Err(InvalidPattern { reason: "it is longer than 4 KiB".to_owned() });
        }
        // By itself first, so that it cannot close the group that it is put into.
        compiled(pattern)?;
        let pattern = compiled(&format!(r"\A(?:{pattern})\z"))?;
        Ok(Self { pattern, credential: credential.into() })
    }
}

impl<T> ClientCertificates<T> {
    /// The certificates that these rules know.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = CertificateRule<T>>) -> Self {
        Self { rules: rules.into_iter().collect() }
    }

    /// The credential that `certificate` proves to hold at this time, with the name that was
    /// matched as the subject and the end of the certificate as the end of the proof. `None`: no
    /// rule matches, or the certificate has ended.
    ///
    /// Of several rules that match, the first whose credential is active and has not expired
    /// counts; if there is none, the first.
    #[must_use]
    pub fn find(&self, certificate: &ClientCertificate, now: Now) -> Option<Proof<T>> {
        // It held at the handshake; a connection may outlive it.
        if certificate.not_after() <= now.wall {
            return None;
        }
        let matching = || self.rules.iter().filter_map(|it| Some((it, it.matching(certificate)?)));
        let usable = matching().find(|(rule, _)| {
            let credential = &rule.credential;
            credential.active && credential.expires_at.is_none_or(|end| now.wall < end)
        });
        let (rule, name) = usable.or_else(|| matching().next())?;
        let proof = Proof::of(Arc::clone(&rule.credential));
        Some(proof.subject(name).expires_at(certificate.not_after()))
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none, and so no certificate is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl<T> CertificateRule<T> {
    fn matching<'a>(&self, certificate: &'a ClientCertificate) -> Option<&'a str> {
        certificate.names().find(|it| self.pattern.is_match(it))
    }
}

fn compiled(pattern: &str) -> Result<Regex, InvalidPattern> {
    let built = RegexBuilder::new(pattern)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .nest_limit(MAX_NESTING)
        .build();
    // What `regex` says about syntax is a drawing of several lines; the last says it in words.
    built.map_err(|error| {
        let drawn = error.to_string();
        let reason = drawn.lines().next_back().unwrap_or_default();
        InvalidPattern { reason: reason.trim_start_matches("error: ").to_owned() }
    })
}

// By hand: `T` need not be `Debug`.
impl<T: Send + Sync> ConnectionVerifier<T> for ClientCertificates<T> {
    /// By the `Arc<ClientCertificate>` that the TLS listener left in the extensions.
    fn verify(&self, extensions: &Extensions, now: Now) -> Option<Result<Proof<T>, Unproved>> {
        let certificate = extensions.get::<Arc<ClientCertificate>>()?;
        let proof = self.find(certificate, now);
        let unproved = || {
            let is_active = |it: &&CertificateRule<T>| it.credential.active;
            let mut active = self.rules.iter().filter(is_active);
            let is_known = active.any(|it| it.matching(certificate).is_some());
            if is_known && certificate.not_after() <= now.wall {
                return Unproved::Expired("the client certificate has ended".to_owned());
            }
            Unproved::Invalid("no subjectPattern fits the client certificate".to_owned())
        };
        Some(proof.ok_or_else(unproved))
    }
}

// By hand: `T` need not be `Clone`.
impl<T> Clone for CertificateRule<T> {
    fn clone(&self) -> Self {
        Self { pattern: self.pattern.clone(), credential: Arc::clone(&self.credential) }
    }
}

impl<T> fmt::Debug for CertificateRule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateRule")
            .field("pattern", &self.pattern.as_str())
            .field("credential", &self.credential)
            .finish()
    }
}

impl<T> fmt::Debug for ClientCertificates<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificates").field("len", &self.len()).finish_non_exhaustive()
    }
}

const MAX_PATTERN: usize = 4 << 10;
const MAX_COMPILED: usize = 1 << 20;
// With the group that it is put into.
const MAX_NESTING: u32 = 50;
