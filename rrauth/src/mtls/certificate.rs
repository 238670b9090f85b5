//! What a client certificate says of its holder.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::hex;
use crate::mtls::error::InvalidCertificate;
use crate::mtls::names::{self, AlternativeName};
use crate::mtls::subject;

/// Who a client is, by the certificate that the TLS listener has verified.
///
/// Make one for each connection, after the handshake, and put an `Arc` of it into the extensions of
/// each request: all that is read of it is read once.
///
/// ```
/// # let made = rcgen::generate_simple_self_signed(vec!["build.example.com".to_owned()]).unwrap();
/// # let der: &[u8] = made.cert.der();
/// use rrauth::ClientCertificate;
///
/// let certificate = ClientCertificate::from_der(der)?;
/// assert!(certificate.names().eq(["build.example.com"]));
/// # Ok::<_, rrauth::InvalidCertificate>(())
/// ```
///
/// # Caveats
///
/// It believes the certificate: no signature, issuer, usage or revocation is looked at here, only
/// by the verifier of the listener. Never make one of bytes that a client sent in a header.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    spiffe_id: Option<Box<str>>,
    alternative_names: Box<[Box<str>]>,
    subject: Box<str>,
    fingerprint: [u8; 32],
    not_after: Duration,
}

impl ClientCertificate {
    /// Reads a DER-encoded X.509 certificate (RFC 5280), at most 64 KiB of it: the first of the
    /// chain that the client sent, once that has been verified.
    ///
    /// # Errors
    /// [`InvalidCertificate`] for anything else; for names with control characters, that are too
    /// many (more than 256), too long, or not of the form that their kind has; and for a SPIFFE id
    /// that is malformed or stands beside another URI (X509-SVID §2).
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCertificate> {
        if der.len() > MAX_DER {
            return Err(InvalidCertificate("it is longer than 64 KiB"));
        }
        let read = X509Certificate::from_der(der);
        let (rest, certificate) = read.map_err(|_| InvalidCertificate("it is not X.509 in DER"))?;
        if !rest.is_empty() {
            return Err(InvalidCertificate("something stands behind it"));
        }
        let (spiffe_id, alternative_names) = alternative_names(&certificate)?;
        let not_after = certificate.validity().not_after.timestamp();
        Ok(Self {
            spiffe_id,
            alternative_names,
            subject: subject::written(certificate.subject())?,
            fingerprint: Sha256::digest(der).into(),
            // What ended before 1970 has ended.
            not_after: Duration::from_secs(u64::try_from(not_after).unwrap_or(0)),
        })
    }

    /// The SPIFFE id (`spiffe://trust-domain/workload`), if it has one.
    #[must_use]
    pub fn spiffe_id(&self) -> Option<&str> {
        self.spiffe_id.as_deref()
    }

    /// Its DNS names and the domains of its e-mail addresses in lower case, and its URIs, in the
    /// order of the certificate. Other kinds of names are left out.
    pub fn alternative_names(&self) -> impl Iterator<Item = &str> {
        self.alternative_names.iter().map(AsRef::as_ref)
    }

    /// The distinguished name of its subject as RFC 4514 writes it, most specific part first
    /// (`CN=build,O=Example`); empty where there is none.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What its holder is called: the SPIFFE id if it has one; else its alternative names, as
    /// [`alternative_names`](Self::alternative_names) has them, if it has any; else its subject, if
    /// that is not empty.
    ///
    /// Only the best of the three, because whoever issues SPIFFE ids may let workloads choose the
    /// rest. None can be taken for one of another kind: a DNS name has no `:`, `@` or `=`, an
    /// e-mail address has an `@` and neither `:` nor `=`, a URI has a `:` and a subject a `=` before
    /// either of the others.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let spiffe_id = self.spiffe_id();
        let others = if spiffe_id.is_none() { &*self.alternative_names } else { &[] };
        let is_nameless = spiffe_id.is_none() && others.is_empty() && !self.subject.is_empty();
        let subject = is_nameless.then_some(&*self.subject);
        spiffe_id.into_iter().chain(others.iter().map(AsRef::as_ref)).chain(subject)
    }

    /// The SHA-256 of the whole certificate.
    #[must_use]
    pub const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The [`fingerprint`](Self::fingerprint) as 64 hexadecimal digits in lower case.
    #[must_use]
    pub fn fingerprint_hex(&self) -> String {
        hex::encode(&self.fingerprint)
    }

    /// When it ends (time since the Unix epoch).
    #[must_use]
    pub const fn not_after(&self) -> Duration {
        self.not_after
    }
}

type Alternative = (Option<Box<str>>, Box<[Box<str>]>);

fn alternative_names(certificate: &X509Certificate<'_>) -> Result<Alternative, InvalidCertificate> {
    const UNREADABLE: InvalidCertificate =
        InvalidCertificate("its alternative names cannot be read");
    let extension = certificate.subject_alternative_name().map_err(|_| UNREADABLE)?;
    let listed = extension.map_or(&[][..], |it| &it.value.general_names);
    if listed.len() > MAX_NAMES {
        return Err(InvalidCertificate("it has more than 256 alternative names"));
    }
    let (mut spiffe_id, mut uris, mut found) = (None, 0, Vec::new());
    for name in listed {
        let name = match name {
            GeneralName::DNSName(text) => names::dns(text)?,
            GeneralName::RFC822Name(text) => names::email(text)?,
            GeneralName::URI(text) => {
                uris += 1;
                match names::uri(text)? {
                    AlternativeName::Plain(text) => text,
                    AlternativeName::Spiffe(id) => {
                        spiffe_id = Some(id.clone());
                        id
                    }
                }
            }
            GeneralName::Invalid(..) => return Err(UNREADABLE),
            // They name no caller that a pattern could be written for.
            GeneralName::OtherName(..)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::IPAddress(_)
            | GeneralName::RegisteredID(_) => continue,
        };
        found.push(name);
    }
    if spiffe_id.is_some() && uris > 1 {
        return Err(InvalidCertificate("a SPIFFE id stands beside another URI"));
    }
    Ok((spiffe_id, found.into()))
}

// By hand: who a caller is stands in the audit record, and nowhere by accident.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("fingerprint", &self.fingerprint_hex())
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

const MAX_DER: usize = 64 * 1024;
const MAX_NAMES: usize = 256;
