//! One parameter in a query: read, removed, set; everything else stays byte for byte.

use http::Uri;
use http::uri::PathAndQuery;
use zeroize::Zeroizing;

use crate::hex;

/// The target has no place for a query (`*`, an authority), or would become too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwritable;

/// The decoded values of `name`, in order.
pub(crate) fn values(uri: &Uri, name: &str) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    pieces(uri).filter(move |piece| is_named(piece, name)).map(|piece| {
        let value = piece.split_once('=').map_or("", |(_, value)| value);
        let mut bytes = Zeroizing::new(Vec::with_capacity(value.len()));
        bytes.extend(decoded(value));
        bytes
    })
}

/// Removes every `name` from the query.
pub(crate) fn remove(uri: &mut Uri, name: &str) -> Result<(), Unwritable> {
    if !pieces(uri).any(|piece| mentions(piece, name)) {
        return Ok(());
    }
    let kept = without(uri, name);
    write(uri, &kept)
}

/// Replaces every `name` in the query by `pair`, which is percent-encoded already.
pub(crate) fn set(uri: &mut Uri, name: &str, pair: &str) -> Result<(), Unwritable> {
    let mut query = without(uri, name);
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(pair);
    write(uri, &query)
}

/// `text` with everything percent-encoded that is not unreserved (RFC 3986 §2.3).
pub(crate) fn encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode(&[byte]).to_ascii_uppercase());
        }
    }
    encoded
}

fn without(uri: &Uri, name: &str) -> String {
    let kept: Vec<_> = pieces(uri).filter(|piece| !mentions(piece, name)).collect();
    kept.join("&")
}

fn pieces(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.query().into_iter().flat_map(|query| query.split('&'))
}

// Some upstreams still split at `;` (HTML 4.01 B.2.2), where another reader sees one long value.
// A piece that has the name in any reading goes as a whole.
fn mentions(piece: &str, name: &str) -> bool {
    piece.split(';').any(|part| is_named(part, name))
}

// In any case: some upstreams do not distinguish `Authorization` and `authorization`.
fn is_named(piece: &str, name: &str) -> bool {
    let found = piece.split_once('=').map_or(piece, |(found, _)| found);
    decoded(found)
        .map(|it| it.to_ascii_lowercase())
        .eq(name.bytes().map(|it| it.to_ascii_lowercase()))
}

// As a form decodes: `+` is a space; what is not an escape stands for itself.
fn decoded(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (first, tail) = rest.split_first()?;
        rest = tail;
        match (first, tail) {
            (b'+', _) => Some(b' '),
            (b'%', [high, low, after @ ..]) => match hex::byte(*high, *low) {
                Some(byte) => {
                    rest = after;
                    Some(byte)
                }
                None => Some(b'%'),
            },
            (byte, _) => Some(*byte),
        }
    })
}

fn write(uri: &mut Uri, query: &str) -> Result<(), Unwritable> {
    let path = uri.path();
    if !path.starts_with('/') {
        return Err(Unwritable);
    }
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).map_err(|_| Unwritable)?);
    *uri = Uri::from_parts(parts).map_err(|_| Unwritable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_leaves_everything_else_as_it_was() {
        check_removed("/a", "/a");
        check_removed("/a?", "/a?");
        check_removed("/a?x=%20&&y", "/a?x=%20&&y");
        check_removed("/a?key=1", "/a");
        check_removed("/a?x=1&key=1&y=+2", "/a?x=1&y=+2");
        check_removed("/a?key&x=1&key=2", "/a?x=1");
        check_removed("/a?KEY=1", "/a");
        check_removed("/a?%6bey=1&k%65%79=2", "/a");
        check_removed("/a?x=1;key=2&y=1", "/a?y=1");
        check_removed("/a?keys=1&akey=2&x=key", "/a?keys=1&akey=2&x=key");
        check_removed("/a?%zzkey=1&%=2", "/a?%zzkey=1&%=2");
        check_removed("http://h:1/a?key=1&b", "http://h:1/a?b");
    }

    #[test]
    fn setting_leaves_exactly_one() {
        check_set("/a", Ok("/a?key=v"));
        check_set("/a?x=1", Ok("/a?x=1&key=v"));
        check_set("/a?Key=1&x=1&%6bey=2", Ok("/a?x=1&key=v"));
        check_set("*", Err(Unwritable));
        check_set("example.com:443", Err(Unwritable));
        check_set(&format!("/{}", "a".repeat(65_530)), Err(Unwritable));
    }

    #[test]
    fn values_are_decoded_once() {
        let uri = "/?key=a%20b+c&x=1&key=%2561&KEY=%zz%4&key".parse().unwrap();
        let found: Vec<_> = values(&uri, "key").map(|it| it.to_vec()).collect();
        assert_eq!(found, [&b"a b c"[..], b"%61", b"%zz%4", b""]);
    }

    #[test]
    fn encoding_survives_decoding() {
        let text = "sk&=+ %;#?/~é";
        assert_eq!(decoded(&encoded(text)).collect::<Vec<_>>(), text.as_bytes());
        assert_eq!(*encoded("a b&~"), "a%20b%26~");
    }

    #[track_caller]
    fn check_removed(before: &str, after: &str) {
        let mut uri = before.parse().unwrap();
        remove(&mut uri, "key").unwrap();
        assert_eq!(uri.to_string(), after);
    }

    #[track_caller]
    fn check_set(before: &str, after: Result<&str, Unwritable>) {
        let mut uri: Uri = before.parse().unwrap();
        let result = set(&mut uri, "key", "key=v").map(|()| uri.to_string());
        assert_eq!(result, after.map(str::to_owned));
    }
}
