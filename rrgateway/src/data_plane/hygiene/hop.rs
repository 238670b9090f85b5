//! Headers that belong to one hop (RFC 9110 §7.6.1), and names that only look different.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName};
use rrcore::HeaderNames;
use rrrules::Withheld;

/// Removes the headers that always belong to one hop, and returns those that `Connection`
/// nominates besides.
///
/// `Host` and `Content-Length` cannot be nominated: they are ours to set.
pub fn strip(headers: &mut HeaderMap) -> Withheld {
    let nominated: Vec<_> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        // What upstreams usually say, and goes in any case.
        .filter(|name| *name != "keep-alive")
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect();
    HeaderNames::HOP_BY_HOP.remove_from(headers);
    Withheld::new(nominated)
}

/// Removes every header whose name starts with `prefix`, in either spelling (`-` or `_`).
pub fn remove_prefixed(headers: &mut HeaderMap, prefix: &str) {
    let is_doomed = |it: &&HeaderName| folded(it.as_str()).take(prefix.len()).eq(prefix.bytes());
    let doomed: Vec<HeaderName> = headers.keys().filter(is_doomed).cloned().collect();
    for name in &doomed {
        headers.remove(name);
    }
}

/// Whether folding makes another name of it.
pub fn is_folded(name: &HeaderName) -> bool {
    // It is in lower case already.
    let name = name.as_str().as_bytes();
    name.contains(&b'_') || name.windows(2).any(|it| it == b"--")
}

/// A name as a lenient reader may fold it: `Transfer_Encoding` and `transfer--encoding` are
/// `transfer-encoding`.
pub fn folded(name: &str) -> impl Iterator<Item = u8> {
    let mut last = 0;
    name.bytes().filter_map(move |byte| {
        let byte = if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        let is_again = byte == b'-' && last == b'-';
        last = byte;
        (!is_again).then_some(byte)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nominated_headers_go_but_framing_stays() {
        let mut headers = HeaderMap::new();
        headers.insert("connection", "x-a, Host, content-length".parse().unwrap());
        for name in ["x-a", "x-b", "host", "content-length", "te", "keep-alive"] {
            headers.insert(HeaderName::from_static(name), "1".parse().unwrap());
        }
        strip(&mut headers).remove_from(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "host", "x-b"]);
    }

    #[test]
    fn look_alikes_fold_to_one_name() {
        for name in ["Transfer_Encoding", "transfer--encoding", "TRANSFER-_ENCODING"] {
            assert!(folded(name).eq(*b"transfer-encoding"), "{name}");
        }
    }
}
