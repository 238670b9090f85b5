//! A panic of a decoder ends one message.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::DecodeError;

// No content is known that makes the decoders panic, but they are full of arithmetic on what a
// stranger sent: if there is some, it is content that cannot be decoded. The panic hook still runs.
// What was half done is never looked at again: the machine is broken after each error.
pub(super) fn contained<T>(
    decode: impl FnOnce() -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or(Err(DecodeError::Corrupt))
}
