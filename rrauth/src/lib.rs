#![doc = include_str!("../README.md")]
// The docs link to all there is, of which only part is built without some feature. With every feature, as
// docs.rs and `./check` build them, a link that leads nowhere is an error.
#![cfg_attr(
    not(all(
        feature = "basic",
        feature = "cache",
        feature = "introspection",
        feature = "jwks",
        feature = "mtls",
        feature = "oauth2",
        feature = "sign",
        feature = "vault"
    )),
    allow(rustdoc::broken_intra_doc_links, reason = "they lead to what features bring")
)]

pub mod api_key;
mod authorize;
#[cfg(feature = "basic")]
mod basic;
#[cfg(feature = "claims")]
mod claims;
#[cfg(feature = "client")]
mod client;
mod failures;
mod hex;
mod inbound;
#[cfg(feature = "introspection")]
mod introspection;
#[cfg(feature = "jwks")]
mod jwks;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(feature = "mtls")]
mod mtls;
mod names;
#[cfg(feature = "oauth2")]
mod oauth2;
mod outbound;
mod query;
mod random;
#[cfg(feature = "client")]
mod remote;
#[cfg(feature = "sign")]
mod sign;
#[cfg(any(feature = "jwt", feature = "introspection"))]
mod strict_json;
#[cfg(feature = "vault")]
mod vault;

pub use crate::authorize::access::{Access, Requirements, Unmet};
pub use crate::authorize::layer::AuthorizeLayer;
pub use crate::authorize::service::Authorize;
#[cfg(feature = "basic")]
pub use crate::basic::accounts::{Accounts, AccountsBuilder};
#[cfg(feature = "basic")]
pub use crate::basic::cost::PasswordCost;
#[cfg(feature = "basic")]
pub use crate::basic::error::{AccountsError, PasswordHashError};
#[cfg(feature = "basic")]
pub use crate::basic::hash::PasswordHash;
#[cfg(feature = "basic")]
pub use crate::basic::workers::{PasswordWorkers, PasswordWorkersBuilder};
#[cfg(feature = "claims")]
pub use crate::claims::Claims;
#[cfg(feature = "client")]
pub use crate::client::error::HttpError;
#[cfg(feature = "client")]
pub use crate::client::http_client::{HttpClient, HttpFuture};
#[cfg(feature = "client")]
pub use crate::client::service::ServiceClient;
pub use crate::failures::FailureLimit;
pub use crate::inbound::any_of::AnyOf;
#[cfg(feature = "cache")]
pub use crate::inbound::cached::{Cached, Remembering};
pub use crate::inbound::credential::{Credential, Kind};
pub use crate::inbound::digest::KeyDigest;
pub use crate::inbound::explain::AuthExplained;
pub use crate::inbound::future::AuthFuture;
pub use crate::inbound::index::{Index, IndexBuilder};
pub use crate::inbound::layer::AuthLayer;
pub use crate::inbound::privileges::Privileges;
pub use crate::inbound::proof::Proof;
pub use crate::inbound::service::Auth;
pub use crate::inbound::shared::SharedCredential;
pub use crate::inbound::shown::is_showable;
pub use crate::inbound::source::{CredentialSource, IntoSource, Lookup, SourceUnavailable};
pub use crate::inbound::strip::{Strip, StripLayer};
pub use crate::inbound::verify::{
    ConnectionVerifier, PasswordVerifier, ShownToken, TokenVerifier, Unproved, Verdict,
    VerdictFuture,
};
#[cfg(feature = "introspection")]
pub use crate::introspection::policy::{IntrospectionPolicy, IntrospectionPolicyBuilder};
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
#[cfg(feature = "mtls")]
pub use crate::mtls::certificate::ClientCertificate;
#[cfg(feature = "mtls")]
pub use crate::mtls::error::InvalidCertificate;
#[cfg(feature = "mtls")]
pub use crate::mtls::rules::{CertificateRule, ClientCertificates, InvalidPattern};
#[cfg(feature = "oauth2")]
pub use crate::oauth2::code_flow::{CodeFlow, Granted, RefreshToken};
#[cfg(feature = "oauth2")]
pub use crate::oauth2::consent::Consent;
#[cfg(feature = "oauth2")]
pub use crate::oauth2::custom::CustomToken;
#[cfg(feature = "oauth2")]
pub use crate::oauth2::grant::Grant;
#[cfg(feature = "oauth2")]
pub use crate::oauth2::invalid::InvalidGrant;
#[cfg(feature = "oauth2")]
pub use crate::oauth2::pkce::PkceVerifier;
#[cfg(feature = "oauth2")]
pub use crate::oauth2::registered::ClientAuth;
#[cfg(feature = "oauth2")]
pub use crate::oauth2::registration::OAuth2;
#[cfg(feature = "oauth2")]
pub use crate::oauth2::source::{TokenSource, TokenSourceBuilder};
pub use crate::outbound::body_future::BodyInjectFuture;
pub use crate::outbound::body_service::BodyInject;
pub use crate::outbound::destinations::{Destinations, InvalidDestination};
pub use crate::outbound::explained::InjectExplained;
pub use crate::outbound::future::InjectFuture;
pub use crate::outbound::injection::Injection;
pub use crate::outbound::layer::{BodyInjectLayer, InjectLayer};
pub use crate::outbound::presentation::Presentation;
pub use crate::outbound::sendable::InvalidInjection;
pub use crate::outbound::service::Inject;
pub use crate::outbound::signer::{Sign, SignError};
pub use crate::outbound::token::{Outlook, Token, TokenFuture, TokenUnavailable, Tokens};
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
#[cfg(feature = "sign")]
pub use crate::sign::aws::AwsSigV4;
#[cfg(feature = "sign")]
pub use crate::sign::error::InvalidSigner;
#[cfg(feature = "sign")]
pub use crate::sign::http_signature::HttpSignature;
#[cfg(feature = "vault")]
pub use crate::vault::binding::Binding;
#[cfg(feature = "vault")]
pub use crate::vault::error::VaultError;
#[cfg(feature = "vault")]
pub use crate::vault::key::MasterKey;
#[cfg(feature = "vault")]
pub use crate::vault::key_id::KeyId;
#[cfg(feature = "vault")]
pub use crate::vault::sealing::Vault;
