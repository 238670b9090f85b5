//! How often, and how much: what a proxy is held to, what was spent of it, and where that is kept.

mod counted;
mod file;
mod keeper;
mod key;
mod ledger;
mod measures;
mod names;
mod read_ahead;
mod reserve;
mod rolls;

pub use self::keeper::{Keeper, Kept};
pub use self::ledger::Ledger;
pub use self::measures::Measures;
pub use self::read_ahead::{MOST_BYTES, ReadAheadLayer};
pub use self::reserve::ReserveLayer;
pub use self::rolls::Rolls;
