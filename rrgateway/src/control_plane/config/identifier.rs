//! The ids of resources: made here, or chosen by clients.

use std::sync::Arc;

use uuid::{NoContext, Timestamp, Uuid};

/// A new id that starts with `prefix`, made at `at_ms` (milliseconds since the Unix epoch).
pub(crate) fn new(prefix: &str, at_ms: i64) -> Arc<str> {
    let millis = u64::try_from(at_ms).unwrap_or(0);
    let nanos = u32::try_from(millis % 1_000 * 1_000_000).unwrap_or(0);
    let time = Timestamp::from_unix(NoContext, millis / 1_000, nanos);
    format!("{prefix}{}", Uuid::new_v7(time).simple()).into()
}

/// Whether a client may choose `text`; what is not so is [`WRONG`].
pub(crate) fn is_valid(text: &str) -> bool {
    let is_alphanumeric = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    text.len() <= 64
        && text.bytes().next().is_some_and(is_alphanumeric)
        && text.bytes().all(|it| is_alphanumeric(it) || matches!(it, b'_' | b'-'))
}

/// What ids are.
pub(crate) const WRONG: &str =
    "an id is 1 to 64 of a-z, 0-9, _ and -, and starts with a letter or a digit";
