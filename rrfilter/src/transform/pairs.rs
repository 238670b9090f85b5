//! The pairs of a query or a form (`application/x-www-form-urlencoded`), and how they are written.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The pairs of `query`, as they are written.
pub(crate) fn pieces(query: &str) -> impl Iterator<Item = &str> {
    query.split('&')
}

/// The name and the value of a pair, as they are written.
pub(crate) fn halves(piece: &str) -> (&str, &str) {
    piece.split_once('=').unwrap_or((piece, ""))
}

/// What a name or value says: `+` is a space, and what is not an escape stands for itself. `None`
/// where that is not UTF-8.
pub(crate) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().ok();
    }
    let spaced = text.replace('+', " ");
    let said = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(Cow::Owned(said.into_owned()))
}

/// What a pair is called, as a lenient reader decodes it: what is not UTF-8 becomes U+FFFD.
pub(crate) fn name(piece: &str) -> String {
    let spaced = halves(piece).0.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Whether a pair is called `name`.
pub(crate) fn is_named(piece: &str, wanted: &str) -> bool {
    name(piece) == wanted
}

/// Whether a pair is called `name` in any reading: some upstreams still split at `;` (HTML 4.01
/// B.2.2), where others see one long value.
pub(crate) fn mentions(piece: &str, name: &str) -> bool {
    is_named(piece, name) || piece.split(';').any(|it| is_named(it, name))
}

/// Writes `text` so that any reader of queries and forms reads it back: everything is
/// percent-encoded that is not unreserved (RFC 3986 §2.3).
pub(crate) fn encode(text: &str, out: &mut String) {
    out.extend(utf8_percent_encode(text, RESERVED));
}

/// Adds a pair to what is written so far.
pub(crate) fn push(name: &str, value: &str, out: &mut String) {
    if !out.is_empty() {
        out.push('&');
    }
    encode(name, out);
    out.push('=');
    encode(value, out);
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
