//! Why a certificate names nobody.

/// A certificate does not say clearly who its holder is. A listener should refuse the connection,
/// or go on as if there were no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client certificate cannot be used: {0}")]
pub struct InvalidCertificate(pub(crate) &'static str);
