//! The secret again, for a write that sends it elsewhere.

use std::fmt;

use zeroize::Zeroizing;

use crate::control_plane::wire::auth::form::{Auth, Kind};
use crate::control_plane::wire::fields::Node;
use crate::model::EgressPolicy;

/// Whoever may give the secret again may say where it goes.
pub(crate) struct Rebind {
    pub(crate) credential_id: String,
    pub(crate) auth: Auth,
    pub(crate) secret: Zeroizing<String>,
}

impl Rebind {
    /// Reads what a client sent. `egress` judges addresses.
    pub(crate) fn read(node: Node<'_>, egress: &EgressPolicy) -> Option<Self> {
        let mut fields = node.object()?;
        let credential_id = fields.required("credentialId", |it| it.text(1..=64));
        let auth = fields.required("auth", |it| {
            let at = it.place();
            match Auth::read(it, Kind::Target, egress)? {
                (auth, Some(secret)) => Some((auth, secret)),
                (_, None) => at.flaw("give the secret again: it is about to go elsewhere"),
            }
        });
        fields.close();
        let (auth, secret) = auth?;
        Some(Self { credential_id: credential_id?, auth, secret })
    }
}

// Zeroizing would print what it wraps.
impl fmt::Debug for Rebind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rebind").field("credential_id", &self.credential_id).finish_non_exhaustive()
    }
}
