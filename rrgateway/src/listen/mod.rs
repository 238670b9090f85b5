//! Accepts connections: our own loop, since a server without a timer has no defence against a
//! client that sends slowly, and one without a cap none against many that send nothing.

mod accept;
mod counts;
mod drain;
mod lingering;
mod sequel;
mod socket;
#[cfg(feature = "data-plane")]
mod tls;
mod writing;

pub use self::accept::{Limits, MAX_CONNECTIONS, accept};
pub use self::counts::ConnectionCounts;
pub use self::drain::{Drain, Drainer, drain};
pub use self::sequel::Sequel;
pub use self::socket::bind;
#[cfg(feature = "data-plane")]
pub use self::tls::{PeerCertificate, Tls, TlsSettings, TlsVersion, accept_tls};
