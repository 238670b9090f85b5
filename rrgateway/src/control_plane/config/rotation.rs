//! A new secret for a credential, with a time of grace for the one before.

use crate::control_plane::wire::auth::form::Auth;
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::fields::{Flaw, Flaws, Node};
use crate::control_plane::wire::json::Json;

/// What a client asks for.
#[derive(Debug)]
pub(crate) struct Rotation {
    pub(crate) grace_seconds: u64,
    /// The new secret, as a member of `auth`; not for keys that are generated.
    pub(crate) auth: Option<Json>,
}

impl Rotation {
    pub(crate) fn read(mut json: Json) -> Result<Self, Vec<Flaw>> {
        let auth = json.take("auth");
        let grace_seconds = Flaws::read(json, |node: Node<'_>| {
            let mut fields = node.object()?;
            let grace = fields.or("graceSeconds", 0, |it| it.integer(0..=LONGEST_GRACE));
            fields.close();
            grace
        })?;
        match auth {
            Some(it) if it.member("type").is_some() => {
                let why = "a rotation keeps the type: change it with PATCH";
                Err(vec![Flaw::new("/auth/type", why)])
            }
            auth => Ok(Self { grace_seconds, auth }),
        }
    }

    /// Whether the secret of `old` can have the time of grace. Tokens are verified with one shared
    /// secret: to drop the other at once, unsaid, would shut callers out who were promised time.
    pub(crate) fn suits(&self, old: &Credential) -> Result<(), Vec<Flaw>> {
        if self.grace_seconds > 0 && matches!(old.auth, Auth::JwtVerify(_)) {
            let why = "a shared secret has none: bind a second credential with the new one instead";
            return Err(vec![Flaw::new("/graceSeconds", why)]);
        }
        Ok(())
    }
}

/// Thirty days.
const LONGEST_GRACE: u64 = 30 * 24 * 3_600;
