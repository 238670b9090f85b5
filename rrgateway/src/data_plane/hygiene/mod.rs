//! One reading of each message, in both directions: what could mean two things to two parsers, or
//! belongs to one hop only, goes no further.

mod hop;
mod request;
mod response;
mod websocket;

pub use self::request::{admit, without_nominated};
pub use self::response::cleanse;
pub use self::websocket::{AsksForWebSocket, is_websocket};
