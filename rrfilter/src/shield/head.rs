//! The heads of requests and responses, and trailers.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, Entry,
    SEC_WEBSOCKET_EXTENSIONS, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Masker, Patterns, part};
use crate::head::narrow;

/// Asks the upstream for what can be read here. The answer is whether that is a part only.
pub(super) fn ask_for_what_can_be_read(request: &mut HeaderMap) -> bool {
    let is_part = part::ask_for_one(request);
    if is_part {
        // A part of coded content can be read by nobody who has not the parts before.
        request.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    } else {
        narrow(request);
    }
    // They are codings by another name (RFC 3229).
    request.remove("a-im");
    // An extension of that protocol would compress its messages (RFC 7692).
    request.remove(SEC_WEBSOCKET_EXTENSIONS);
    is_part
}

/// Masks names and values alike.
pub(super) fn mask(headers: &mut HeaderMap, patterns: &Patterns) {
    for (name, value) in headers.iter_mut() {
        if FRAMING.contains(name) {
            continue;
        }
        let masked = Masker::whole(patterns, value.as_bytes());
        if let Some(masked) = masked.and_then(|it| HeaderValue::from_bytes(&it).ok()) {
            let is_sensitive = value.is_sensitive();
            *value = masked;
            value.set_sensitive(is_sensitive);
        }
    }
    let secret = |it: &&HeaderName| patterns.in_name(it.as_str()).is_some();
    let names: Vec<_> = headers.keys().filter(secret).cloned().collect();
    for name in names {
        let masked = patterns.in_name(name.as_str());
        let masked = masked.and_then(|it| HeaderName::from_bytes(it.as_bytes()).ok());
        let Entry::Occupied(lines) = headers.entry(name) else { continue };
        let (_, values) = lines.remove_entry_mult();
        let values: Vec<_> = values.collect();
        // An asterisk may be part of a name (RFC 9110 §5.6.2).
        for value in values {
            if let Some(name) = &masked {
                headers.append(name, value);
            }
        }
    }
}

/// Takes out what is true only of content in its coding. As it was received, an entity is the same no
/// longer byte for byte (RFC 9110 §8.8.1).
pub(super) fn forget_the_coding(response: &mut HeaderMap) {
    for name in CODED {
        response.remove(name);
    }
    let weakened = response.get(ETAG).and_then(|tag| match tag.as_bytes().starts_with(b"W/") {
        true => None,
        false => HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok(),
    });
    if let Some(weakened) = weakened {
        response.insert(ETAG, weakened);
    }
}

// They are numbers and names that the message was read by: no one can change them and be understood.
const FRAMING: [HeaderName; 2] = [CONTENT_LENGTH, TRANSFER_ENCODING];

const CODED: [HeaderName; 7] = [
    ACCEPT_RANGES,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];
