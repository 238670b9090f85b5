//! Percent-encoding (RFC 3986 §2.1), in the forms that signatures want.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode};

/// Everything that is not unreserved (RFC 3986 §2.3).
pub(crate) const ALL: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// As [`ALL`], but between the segments of a path.
pub(crate) const IN_PATHS: &AsciiSet = &ALL.remove(b'/');

/// What a form encodes (the URL standard's `application/x-www-form-urlencoded` set).
pub(crate) const IN_FORMS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// The names and values of a query, decoded as those of a form: `+` is a space, what is not an
/// escape stands for itself, and empty pieces are not there.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    query.split('&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('+') {
        return percent_decode(text.as_bytes()).into();
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode(spaced.as_bytes()).collect())
}
