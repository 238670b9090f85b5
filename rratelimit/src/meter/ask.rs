//! What a service may answer, so that it can be read.

use http::HeaderMap;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};

/// Asks for the whole, and for none of the codings that cannot be undone while they arrive: a client
/// must not be able to choose an answer that does not show what it costs.
pub(crate) fn ask_for_what_can_be_read(headers: &mut HeaderMap) {
    headers.remove(RANGE);
    headers.remove(IF_RANGE);
    let has_only_readable = |line: &HeaderValue| {
        line.to_str().is_ok_and(|it| it.split(',').all(|entry| is_readable(coding(entry))))
    };
    if headers.get_all(ACCEPT_ENCODING).iter().all(has_only_readable) {
        return;
    }
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    let entries = lines.flat_map(|it| it.split(',')).map(str::trim);
    let kept: Vec<_> = entries.filter(|it| !it.is_empty() && is_readable(coding(it))).collect();
    let kept = if kept.is_empty() { "identity".into() } else { kept.join(", ") };
    if let Ok(value) = HeaderValue::try_from(kept) {
        headers.insert(ACCEPT_ENCODING, value);
    }
}

fn coding(entry: &str) -> &str {
    entry.split(';').next().unwrap_or_default().trim()
}

// `*` stands for all others, such as codings with a dictionary.
fn is_readable(coding: &str) -> bool {
    READABLE.iter().any(|it| it.eq_ignore_ascii_case(coding))
}

// Not zstd, though it is read: it shows much of what it has said only at its end, and a client that
// leaves before would not pay for that.
const READABLE: [&str; 6] = ["", "identity", "gzip", "x-gzip", "deflate", "br"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_choose_what_cannot_be_read() {
        check(&[], &[]);
        check(&[""], &[""]);
        check(&["gzip, br;q=0.5", "Deflate"], &["gzip, br;q=0.5", "Deflate"]);
        check(&["gzip, br;q=0.5", "ZSTD"], &["gzip, br;q=0.5"]);
        check(&["compress"], &["identity"]);
        check(&["*"], &["identity"]);
        check(&["dcb, gzip;q=0.1,*;q=0", "br"], &["gzip;q=0.1, br"]);
        check(&["gzip, \u{e9}"], &["identity"]);
    }

    #[track_caller]
    fn check(lines: &[&str], expected: &[&str]) {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
        for line in lines {
            let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(ACCEPT_ENCODING, value);
        }
        ask_for_what_can_be_read(&mut headers);
        let left: Vec<_> = headers.get_all(ACCEPT_ENCODING).iter().collect();
        assert_eq!(left, expected, "{lines:?}");
        assert!(!headers.contains_key(RANGE));
    }
}
