//! What the longer kinds of `auth` say, but for their secrets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::control_plane::wire::json::Said;

/// Tokens that an issuer has signed. Without keys in here, there is a shared secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct JwtVerify {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwks: Option<Value>,
    pub(crate) issuer: String,
    pub(crate) audience: Vec<String>,
    pub(crate) algorithms: Vec<String>,
    pub(crate) leeway_seconds: u64,
    pub(crate) required_claims: Map<String, Value>,
    pub(crate) subject_pattern: Option<String>,
    pub(crate) max_lifetime_seconds: Option<u64>,
    pub(crate) jwks_cooldown_seconds: u64,
    pub(crate) jwks_max_stale_seconds: u64,
    pub(crate) allow_plaintext: bool,
}

/// Where the keys are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keys<'a> {
    Fetched(&'a str),
    Inline(&'a Value),
    /// The vault has the secret.
    Shared,
}

/// Tokens that their issuer is asked about (RFC 7662).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Introspection {
    pub(crate) introspection_url: String,
    pub(crate) client_id: String,
    pub(crate) audience: Vec<String>,
    pub(crate) cache_seconds: u64,
    pub(crate) allow_plaintext: bool,
}

impl JwtVerify {
    pub(crate) fn keys(&self) -> Keys<'_> {
        match (&self.jwks_uri, &self.jwks) {
            (Some(url), _) => Keys::Fetched(url),
            (None, Some(keys)) => Keys::Inline(keys),
            (None, None) => Keys::Shared,
        }
    }

    pub(crate) const fn secret_pointer(&self) -> Option<&'static str> {
        match (&self.jwks_uri, &self.jwks) {
            (None, None) => Some("/auth/sharedSecret"),
            (Some(_), _) | (_, Some(_)) => None,
        }
    }
}

/// Where an API key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    Header,
    Query,
}

/// An OAuth 2.0 client (RFC 6749). The vault has its secret, and its refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OAuth2 {
    pub(crate) flow: Flow,
    pub(crate) token_url: String,
    pub(crate) authorize_url: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_auth: ClientAuth,
    pub(crate) scopes: Vec<String>,
    pub(crate) audience: Option<String>,
    pub(crate) allow_plaintext: bool,
}

/// How tokens come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Flow {
    ClientCredentials,
    /// With a refresh token that somebody has consented to.
    AuthorizationCode,
}

/// How the client authenticates (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientAuth {
    Basic,
    Post,
}

/// A vendor's own way to tokens. The vault has the headers and the body of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CustomToken {
    pub(crate) request: TokenRequest,
    pub(crate) token_path: String,
    /// One of these two says how long a token can be used.
    pub(crate) ttl_seconds: Option<u64>,
    pub(crate) expires_path: Option<String>,
    pub(crate) present: Shown,
    pub(crate) allow_plaintext: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TokenRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    /// Their names, in the order given.
    pub(crate) headers: Vec<String>,
    pub(crate) has_body: bool,
    /// What the document that this was read from says of the two. Never stored.
    #[serde(skip)]
    pub(crate) said: SaidOfRequest,
}

/// What a document says of the headers and of the body of a token request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SaidOfRequest {
    pub(crate) headers: Said,
    pub(crate) body: Said,
}

/// How a token is shown to the upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Shown {
    #[serde(rename = "in")]
    pub(crate) place: Place,
    pub(crate) name: String,
    pub(crate) prefix: String,
}

impl OAuth2 {
    pub(crate) const fn secret_pointer(&self) -> &'static str {
        match self.flow {
            Flow::ClientCredentials => "/auth/clientSecret",
            Flow::AuthorizationCode => "/auth/refreshToken",
        }
    }
}

impl CustomToken {
    /// This, with what of `old` belongs to the secret.
    pub(crate) fn keeping(mut self, old: &Self) -> Self {
        self.request.headers.clone_from(&old.request.headers);
        self.request.has_body = old.request.has_body;
        self
    }
}

/// AWS Signature Version 4. The vault has the secret access key, and the session token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AwsSigV4 {
    pub(crate) access_key_id: String,
    pub(crate) service: String,
    pub(crate) aws_region: String,
}

/// HTTP message signatures (RFC 9421) with HMAC-SHA-256. The vault has the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Hmac {
    pub(crate) key_id: String,
    pub(crate) components: Vec<String>,
}
