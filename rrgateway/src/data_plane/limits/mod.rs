//! How often, and how much: what a proxy is held to, what was spent of it, and where that is kept.

mod counted;
mod key;
mod ledger;
mod measures;
mod names;
mod read_ahead;
mod reserve;

pub use self::ledger::Ledger;
pub use self::measures::{Measures, Rolls};
pub use self::read_ahead::ReadAheadLayer;
pub use self::reserve::ReserveLayer;
