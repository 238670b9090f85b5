//! JSON as it arrives: a validating push scanner, and the JSONPath queries that can be answered
//! meanwhile.
//!
//! [`Scanner`] takes chunks and tells a [`Sink`] what it sees. It holds no more of the document
//! than the key it is reading, and every byte it was given is in exactly one event, so a sink can
//! copy the document, or leave parts of it out, without changing what it keeps.
//!
//! ```
//! use rrcore::json::{Event, Limits, Scanner};
//!
//! let mut copy = Vec::new();
//! let mut sink = |event: Event<'_>| copy.extend_from_slice(event.raw());
//! let mut scanner = Scanner::new(Limits::default());
//! scanner.push(br#"{"price": 1.0"#, &mut sink)?;
//! scanner.push(br#"0e2, "big": 9007199254740993}"#, &mut sink)?;
//! scanner.finish(&mut sink)?;
//! assert_eq!(copy, br#"{"price": 1.00e2, "big": 9007199254740993}"#);
//! # Ok::<(), rrcore::json::Error>(())
//! ```

mod bracket;
mod error;
mod escape;
mod event;
mod follow;
mod keys;
mod limits;
mod names;
mod number;
mod path;
mod query;
mod reader;
mod scanner;
mod selector;
mod shifted;
mod structure;
mod text;
mod token;
mod value;

#[cfg(test)]
mod tests;

pub use self::error::{Error, ErrorKind};
pub use self::escape::{quote, unescape};
pub use self::event::{Event, Sink};
pub use self::limits::Limits;
pub use self::path::{Segment, SingularPath};
pub use self::query::Query;
pub use self::reader::PathError;
pub use self::scanner::Scanner;
pub use self::selector::{Selector, Slice, Step};
pub use self::value::value;
