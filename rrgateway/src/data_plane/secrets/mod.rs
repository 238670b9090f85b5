//! The vault: sealed records on disk, the master keys that they are under, and how a key is changed.

mod consents;
mod inner;
mod keys;
mod records;
mod rotation;
mod source;
mod store;

pub use self::consents::{Consents, Refreshing};
pub use self::source::{KeySource, KeySources};
pub use self::store::Secrets;
