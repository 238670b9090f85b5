//! How a credential is shown, and to whom.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::control_plane::wire::auth::parts::{
    AwsSigV4, CustomToken, Hmac, Introspection, JwtVerify, OAuth2, Place,
};
use crate::control_plane::wire::secret;
use crate::model::BaseUrl;

/// Who shows a credential to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A caller, to the gateway.
    Proxy,
    /// The gateway, to the upstream.
    Target,
}

/// How a credential is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Auth {
    ApiKey {
        #[serde(rename = "in")]
        place: Place,
        name: String,
        prefix: String,
    },
    Bearer {
        prefix: String,
    },
    #[serde(rename = "basicAuth")]
    Basic {
        username: String,
    },
    Jwt {
        prefix: String,
    },
    JwtVerify(JwtVerify),
    Introspection(Introspection),
    Mtls {
        #[serde(rename = "subjectPattern")]
        subject_pattern: String,
    },
    #[serde(rename = "oauth2")]
    OAuth2(OAuth2),
    CustomToken(CustomToken),
    AwsSigV4(AwsSigV4),
    Hmac(Hmac),
    Custom {
        /// The names of the headers, in the order given; their values are the secret.
        headers: Vec<String>,
    },
    None {},
}

/// What becomes of a secret that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A digest of it, by which it is recognised.
    Digest,
    /// A slow hash of it: it may be guessable.
    Hash,
    /// The vault has it, for the data plane to use.
    Sealed,
}

impl Auth {
    /// Where the secret stands in what a client sends, as a pointer; `None` where there is none.
    pub(crate) const fn secret_pointer(&self) -> Option<&'static str> {
        match self {
            Self::ApiKey { .. } | Self::Hmac(_) => Some("/auth/key"),
            Self::Bearer { .. } | Self::Jwt { .. } => Some("/auth/token"),
            Self::Basic { .. } => Some("/auth/password"),
            Self::JwtVerify(it) => it.secret_pointer(),
            Self::Introspection(_) => Some("/auth/clientSecret"),
            Self::OAuth2(it) => Some(it.secret_pointer()),
            Self::CustomToken(_) => Some("/auth/request"),
            Self::AwsSigV4(_) => Some("/auth/secretAccessKey"),
            Self::Custom { .. } => Some("/auth/headers"),
            Self::Mtls { .. } | Self::None {} => None,
        }
    }

    /// What is kept of the secret of a credential of `kind`.
    pub(crate) const fn kept(&self, kind: Kind) -> Kept {
        match (kind, self) {
            (Kind::Proxy, Self::ApiKey { .. } | Self::Bearer { .. } | Self::Jwt { .. }) => {
                Kept::Digest
            }
            (Kind::Proxy, Self::Basic { .. }) => Kept::Hash,
            (
                Kind::Proxy,
                Self::JwtVerify(_)
                | Self::Introspection(_)
                | Self::Mtls { .. }
                | Self::OAuth2(_)
                | Self::CustomToken(_)
                | Self::AwsSigV4(_)
                | Self::Hmac(_)
                | Self::Custom { .. }
                | Self::None {},
            )
            | (Kind::Target, _) => Kept::Sealed,
        }
    }

    /// Whether a secret for the one can stay when the other takes its place.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let may_stay = match (self, other) {
            // The stored password may be empty, and there must be one of the two.
            (Self::Basic { username: old }, Self::Basic { username: new }) => {
                old.is_empty() || !new.is_empty()
            }
            _ => true,
        };
        may_stay
            && std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.secret_pointer() == other.secret_pointer()
    }

    /// What the vault gets where no secret was given and none is needed.
    pub(crate) fn empty_secret(&self) -> Option<Zeroizing<String>> {
        match self {
            Self::CustomToken(it) if it.request.headers.is_empty() && !it.request.has_body => {
                Some(secret::table(std::iter::empty()))
            }
            _ => None,
        }
    }

    /// Where the secret itself is sent to get something for it, as scheme, host and port: a URL in
    /// here that names another place must come with the secret again.
    pub(crate) fn secret_goes_to(&self) -> Option<String> {
        let url = match self {
            Self::Introspection(it) => &it.introspection_url,
            Self::OAuth2(it) => &it.token_url,
            Self::CustomToken(it) => &it.request.url,
            Self::ApiKey { .. }
            | Self::Bearer { .. }
            | Self::Basic { .. }
            | Self::Jwt { .. }
            | Self::JwtVerify(_)
            | Self::Mtls { .. }
            | Self::AwsSigV4(_)
            | Self::Hmac(_)
            | Self::Custom { .. }
            | Self::None {} => return None,
        };
        let base = url.split('?').next().unwrap_or(url);
        BaseUrl::parse(base).ok().map(|it| it.origin())
    }

    /// This, with what of `old` belongs to the secret, which stays.
    pub(crate) fn keeping(self, old: &Self) -> Self {
        match (self, old) {
            (Self::Custom { .. }, _) => old.clone(),
            (Self::CustomToken(it), Self::CustomToken(old)) => Self::CustomToken(it.keeping(old)),
            (it, _) => it,
        }
    }
}

/// What was read, and the secret in it.
pub(crate) type Read = (Auth, Option<Zeroizing<String>>);

pub(crate) const DEFAULT_HEADER: &str = "X-API-Key";
pub(crate) const BEARER: &str = "Bearer ";
