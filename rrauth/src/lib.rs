#![doc = include_str!("../README.md")]

pub mod api_key;
mod authorize;
#[cfg(feature = "claims")]
mod claims;
#[cfg(feature = "client")]
mod client;
mod hex;
mod inbound;
#[cfg(feature = "introspection")]
mod introspection;
#[cfg(feature = "jwks")]
mod jwks;
#[cfg(feature = "jwt")]
mod jwt;
mod names;
mod outbound;
mod query;
mod random;
#[cfg(feature = "client")]
mod remote;
#[cfg(any(feature = "jwt", feature = "introspection"))]
mod strict_json;
#[cfg(feature = "vault")]
mod vault;

pub use crate::authorize::layer::AuthorizeLayer;
pub use crate::authorize::service::Authorize;
#[cfg(feature = "claims")]
pub use crate::claims::Claims;
#[cfg(feature = "client")]
pub use crate::client::error::HttpError;
#[cfg(feature = "client")]
pub use crate::client::http_client::{HttpClient, HttpFuture};
#[cfg(feature = "client")]
pub use crate::client::service::ServiceClient;
pub use crate::inbound::credential::{Credential, Kind};
pub use crate::inbound::digest::KeyDigest;
pub use crate::inbound::explain::AuthExplained;
pub use crate::inbound::future::AuthFuture;
pub use crate::inbound::index::{Index, IndexBuilder};
pub use crate::inbound::layer::AuthLayer;
pub use crate::inbound::places::is_showable;
pub use crate::inbound::proof::Proof;
pub use crate::inbound::service::Auth;
pub use crate::inbound::source::{CredentialSource, IntoSource, Lookup, SourceUnavailable};
pub use crate::inbound::verify::{
    PasswordVerifier, TokenVerifier, Unproved, Verdict, VerdictFuture,
};
#[cfg(feature = "introspection")]
pub use crate::introspection::policy::IntrospectionPolicy;
#[cfg(feature = "introspection")]
pub use crate::introspection::verifier::{Introspection, IntrospectionState};
#[cfg(feature = "jwks")]
pub use crate::jwks::keys::RemoteKeys;
#[cfg(feature = "jwks")]
pub use crate::jwks::verifier::JwksVerifier;
#[cfg(feature = "jwt")]
pub use crate::jwt::algorithm::{JwtAlgorithm, UnknownAlgorithm};
#[cfg(feature = "jwt")]
pub use crate::jwt::error::{InvalidJwkSet, InvalidJwtPolicy, JwtError};
#[cfg(feature = "jwt")]
pub use crate::jwt::key_set::JwkSet;
#[cfg(feature = "jwt")]
pub use crate::jwt::policy::JwtPolicy;
#[cfg(feature = "jwt")]
pub use crate::jwt::policy_builder::JwtPolicyBuilder;
#[cfg(feature = "jwt")]
pub use crate::jwt::verified::Verified;
#[cfg(feature = "jwt")]
pub use crate::jwt::verifier::JwtVerifier;
pub use crate::outbound::injection::Injection;
pub use crate::outbound::layer::InjectLayer;
pub use crate::outbound::sendable::InvalidInjection;
pub use crate::outbound::service::Inject;
pub use crate::random::RandomUnavailable;
#[cfg(feature = "client")]
pub use crate::remote::document::Document;
#[cfg(feature = "client")]
pub use crate::remote::endpoint::InvalidEndpoint;
#[cfg(feature = "client")]
pub use crate::remote::error::RemoteUnavailable;
#[cfg(feature = "client")]
pub use crate::remote::freshness::Freshness;
#[cfg(feature = "client")]
pub use crate::remote::handle::{Reading, Remote, RemoteFuture, RemoteState};
#[cfg(feature = "vault")]
pub use crate::vault::binding::Binding;
#[cfg(feature = "vault")]
pub use crate::vault::cipher::Vault;
#[cfg(feature = "vault")]
pub use crate::vault::error::VaultError;
#[cfg(feature = "vault")]
pub use crate::vault::key::MasterKey;
