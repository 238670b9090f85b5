//! What is legal in how callers are known, and hardly what was meant.

use crate::control_plane::config::meter_lint::Doubt;
use crate::control_plane::wire::auth::form::Auth;
use crate::control_plane::wire::credential::Credential;

/// What may be wrong with `credential`.
pub(crate) const fn of_credential(credential: &Credential) -> Option<Doubt> {
    let audience = match &credential.auth {
        Auth::JwtVerify(it) => &it.audience,
        Auth::Introspection(it) => &it.audience,
        // Whatever is shown of these was made for the gateway; or they are for upstreams.
        Auth::ApiKey { .. }
        | Auth::Bearer { .. }
        | Auth::Basic { .. }
        | Auth::Jwt { .. }
        | Auth::Mtls { .. }
        | Auth::OAuth2(_)
        | Auth::CustomToken(_)
        | Auth::AwsSigV4(_)
        | Auth::Hmac(_)
        | Auth::Custom { .. }
        | Auth::None {} => return None,
    };
    if audience.is_empty() { Some(ANY_AUDIENCE) } else { None }
}

const ANY_AUDIENCE: Doubt = Doubt {
    kind: "any-audience",
    pointer: "/auth/audience",
    detail: "Any token of this issuer lets its holder in, also one that was made for another \
             service, which that service could use here. Name the audience that tokens for this \
             gateway have.",
};
