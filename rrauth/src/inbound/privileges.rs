//! What a caller was granted, beyond being let in.

use std::sync::Arc;

use http::Extensions;

#[cfg(feature = "claims")]
use crate::claims::Claims;
use crate::inbound::proof::Proof;

/// What the caller's credential grants, and what its token says: in the extensions of each request
/// that [`Auth`](crate::Auth) let in, unless there is nothing to say.
#[derive(Clone, Debug)]
pub struct Privileges {
    // None: nothing, and nobody to share it with.
    scopes: Option<Arc<[Box<str>]>>,
    #[cfg(feature = "claims")]
    claims: Option<Claims>,
}

impl Privileges {
    /// Whether `scope` is granted, by the credential or the token.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|it| it == scope)
    }

    /// All that is granted: by the credential first.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let own = self.scopes.iter().flat_map(|it| &**it).map(|it| &**it);
        #[cfg(feature = "claims")]
        let own = own.chain(self.claims.iter().flat_map(Claims::scopes));
        own
    }

    /// What the token says, where one was shown and verified.
    #[cfg(feature = "claims")]
    #[must_use]
    pub const fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// What `proof` grants, the claims taken out of it; `None` where that is nothing.
    pub(crate) fn of<T>(proof: &mut Proof<T>) -> Option<Self> {
        #[cfg(feature = "claims")]
        if let Some(claims) = proof.claims.take() {
            let scopes = Some(&proof.credential.scopes).filter(|it| !it.is_empty());
            return Some(Self { scopes: scopes.cloned(), claims: Some(claims) });
        }
        Self::of_scopes(&proof.credential.scopes)
    }

    /// What a credential grants; `None` where that is nothing.
    pub(crate) fn of_scopes(scopes: &Arc<[Box<str>]>) -> Option<Self> {
        (!scopes.is_empty()).then(|| Self {
            scopes: Some(Arc::clone(scopes)),
            #[cfg(feature = "claims")]
            claims: None,
        })
    }
}

/// Leaves in `extensions` what the layers inside may want to know of a caller.
pub(crate) fn leave<T>(caller: T, privileges: Option<Privileges>, extensions: &mut Extensions)
where
    T: Clone + Send + Sync + 'static,
{
    extensions.insert(caller);
    if let Some(privileges) = privileges {
        extensions.insert(privileges);
    }
}
