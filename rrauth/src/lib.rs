#![doc = include_str!("../README.md")]

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
#[cfg(feature = "mtls")]
mod mtls;
mod names;
mod outbound;
mod query;
mod random;
#[cfg(feature = "vault")]
mod vault;

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
#[cfg(feature = "mtls")]
pub use crate::mtls::certificate::ClientCertificate;
#[cfg(feature = "mtls")]
pub use crate::mtls::error::InvalidCertificate;
#[cfg(feature = "mtls")]
pub use crate::mtls::rules::{CertificateRule, ClientCertificates, InvalidPattern};
pub use crate::outbound::injection::Injection;
pub use crate::outbound::layer::InjectLayer;
pub use crate::outbound::sendable::InvalidInjection;
pub use crate::outbound::service::Inject;
pub use crate::random::RandomUnavailable;
#[cfg(feature = "vault")]
pub use crate::vault::binding::Binding;
#[cfg(feature = "vault")]
pub use crate::vault::cipher::Vault;
#[cfg(feature = "vault")]
pub use crate::vault::error::VaultError;
#[cfg(feature = "vault")]
pub use crate::vault::key::MasterKey;
