#![doc = include_str!("../README.md")]

mod address;
mod body;
mod budget;
mod buffered;
mod clock;
mod code;
mod collect;
mod context;
mod context_layer;
mod current;
mod guard;
mod header_names;
mod identity;
mod refusal;
mod request_id;
mod scope;
mod secret;
mod trail;

#[cfg(feature = "coding")]
pub mod coding;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "records")]
pub mod records;

pub use crate::address::{ClientAddress, TrustedProxies};
pub use crate::body::Body;
pub use crate::budget::Budget;
pub use crate::buffered::{BodyFault, BufferedBody, ReadBody, ReadOutcome};
pub use crate::clock::{Clock, ManualClock, Now};
pub use crate::code::{Code, Stage};
pub use crate::collect::{Collect, CollectError, Collected};
pub use crate::context::{Context, Hooks, Observe, Render};
pub use crate::context_layer::{ContextLayer, WithContext};
pub use crate::current::{Current, Guard, Handle};
pub use crate::guard::GuardFuture;
pub use crate::header_names::HeaderNames;
pub use crate::identity::{Identity, Named, NamedList, Validity};
pub use crate::refusal::Refusal;
pub use crate::request_id::RequestId;
pub use crate::scope::Scope;
pub use crate::secret::InjectedSecret;
pub use crate::trail::{Entry, Fact, Facts, Outcome, Trail};
