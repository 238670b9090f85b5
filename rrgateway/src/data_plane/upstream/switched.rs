//! The upstream's end of a connection that has turned into a WebSocket.

use hyper::upgrade::OnUpgrade;

/// What the upstream's connection turns into: an extension of its 101.
#[derive(Clone, Debug)]
pub struct Switched {
    /// The connection, once its HTTP is over.
    pub upstream: OnUpgrade,
}
