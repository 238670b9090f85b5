#![doc = include_str!("../README.md")]

pub mod api_key;
mod authorize;
mod hex;
mod inbound;
mod names;
mod outbound;
mod query;
mod random;
#[cfg(feature = "vault")]
mod vault;

pub use crate::authorize::layer::AuthorizeLayer;
pub use crate::authorize::service::Authorize;
pub use crate::inbound::credential::{Credential, Kind};
pub use crate::inbound::digest::KeyDigest;
pub use crate::inbound::explain::AuthExplained;
pub use crate::inbound::future::AuthFuture;
pub use crate::inbound::index::{Index, IndexBuilder};
pub use crate::inbound::layer::AuthLayer;
pub use crate::inbound::places::is_showable;
pub use crate::inbound::service::Auth;
pub use crate::inbound::source::{CredentialSource, IntoSource, Lookup, SourceUnavailable};
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
