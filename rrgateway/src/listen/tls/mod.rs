//! Listening with TLS: the certificate's files, what is made of them, and connections that begin
//! with a handshake.

mod accept;
mod files;
mod live;
mod settings;

pub use self::accept::{PeerCertificate, accept_tls};
pub use self::live::Tls;
pub use self::settings::{TlsSettings, TlsVersion};
