//! A new secret for a credential, with a time of grace for the one before.

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
                let why = "a rotation keeps the type: leave this out, or change it with PATCH";
                Err(vec![Flaw::new("/auth/type", why)])
            }
            auth => Ok(Self { grace_seconds, auth }),
        }
    }
}

/// Thirty days.
const LONGEST_GRACE: u64 = 30 * 24 * 3_600;
