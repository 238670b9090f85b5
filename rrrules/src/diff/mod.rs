//! What other rules would make of the same requests, of which only parts may be known.

mod described;
mod line_error;
mod lines;
mod open;
mod outcome;
mod read;
mod ruling;
mod scopes;

pub use self::described::Described;
pub use self::line_error::LineError;
pub use self::lines::{LineForm, Lines};
pub use self::outcome::{Cause, Counts, Outcome};
pub use self::scopes::{Scopes, diff};
