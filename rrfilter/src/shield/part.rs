//! Parts of content (RFC 9110 §14), which may hold less than all of a secret.

use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use http::{HeaderMap, StatusCode};

/// Takes out what asks for several parts at once, which come in a text of their own around them; a
/// server may send the whole (§14.2). The answer is whether one part is still asked for.
pub(super) fn ask_for_one(request: &mut HeaderMap) -> bool {
    let mut lines = request.get_all(RANGE).iter();
    let (Some(line), rest) = (lines.next(), lines.next()) else { return false };
    if rest.is_none() && !line.as_bytes().contains(&b',') {
        return true;
    }
    request.remove(RANGE);
    request.remove(IF_RANGE);
    false
}

/// Whether a response is a part of what may be text, cut where the client chose: in as many parts as
/// the secret has characters, each would pass.
pub(super) fn is_cut(status: StatusCode, response: &HeaderMap, was_asked_for: bool) -> bool {
    let is_partial = status == StatusCode::PARTIAL_CONTENT;
    let mut lines = response.get_all(CONTENT_RANGE).iter();
    let lines = (lines.next(), lines.next());
    let may_be = is_partial || lines.0.is_some();
    if !may_be || !status.is_success() || is_binary(response) {
        return false;
    }
    match lines {
        (None, _) => is_partial && (was_asked_for || is_multipart(response)),
        (Some(line), None) => {
            let line = line.to_str().unwrap_or_default();
            (is_in_bytes(line, response) || is_multipart(response)) && !is_whole(line)
        }
        (Some(_), Some(_)) => true,
    }
}

/// Does not lead clients to ask for parts that they would not get.
pub(super) fn offer_none_of_text(response: &mut HeaderMap) {
    if response.contains_key(ACCEPT_RANGES) && !is_binary(response) {
        response.remove(ACCEPT_RANGES);
    }
}

// Others count what no secret is in two of: records, pages. Some say so beside the range.
fn is_in_bytes(range: &str, response: &HeaderMap) -> bool {
    let unit = match range.split_once(' ') {
        Some((unit, _)) => Some(unit),
        None => response.get("range-unit").and_then(|it| it.to_str().ok()),
    };
    unit.is_none_or(|it| it.is_empty() || it.eq_ignore_ascii_case("bytes"))
}

// `bytes 0-99/100`: the part is all there is.
fn is_whole(range: &str) -> bool {
    let Some((_, range)) = range.split_once(' ') else { return false };
    let Some((range, all)) = range.split_once('/') else { return false };
    let Some((first, last)) = range.split_once('-') else { return false };
    let number = |it: &str| it.trim().parse::<u64>().ok();
    let after = number(last).and_then(|it| it.checked_add(1));
    number(first) == Some(0) && after.is_some() && after == number(all)
}

fn is_multipart(response: &HeaderMap) -> bool {
    essence(response).is_some_and(|it| it.starts_with("multipart/"))
}

// What nobody writes what it was sent into. What is not known, or not one type, may be text.
fn is_binary(response: &HeaderMap) -> bool {
    let Some(essence) = essence(response) else { return false };
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    if TEXT_WITHIN.iter().any(|it| subtype.contains(it)) {
        return false;
    }
    match kind {
        "audio" | "font" | "image" | "video" => true,
        "application" | "binary" => {
            BINARY.contains(&subtype) || subtype.starts_with(OFFICE) || subtype.ends_with("+zip")
        }
        _ => false,
    }
}

fn essence(response: &HeaderMap) -> Option<String> {
    let mut lines = response.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let essence = line.to_str().ok()?.split(';').next()?.trim();
    Some(essence.to_ascii_lowercase())
}

// SVG and others of their kind, and lists of what is to be played.
const TEXT_WITHIN: [&str; 4] = ["+xml", "+json", "svg", "mpegurl"];
const OFFICE: &str = "vnd.openxmlformats-officedocument.";
const BINARY: [&str; 26] = [
    "gzip",
    "java-archive",
    "mp4",
    "msword",
    "octet-stream",
    "ogg",
    "pdf",
    "vnd.android.package-archive",
    "vnd.apache.parquet",
    "vnd.debian.binary-package",
    "vnd.ms-excel",
    "vnd.ms-powerpoint",
    "vnd.rar",
    "vnd.sqlite3",
    "wasm",
    "x-7z-compressed",
    "x-apple-diskimage",
    "x-bzip2",
    "x-gzip",
    "x-iso9660-image",
    "x-msdownload",
    "x-rpm",
    "x-tar",
    "x-xz",
    "zip",
    "zstd",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_what_may_be_text_is_cut() {
        for kind in ["application/json", "text/plain", "image/svg+xml", "application/unheard-of"] {
            check(206, &[("content-type", kind), ("content-range", "bytes 3-6/99")], true);
        }
        check(206, &[("content-range", "bytes 3-6/99")], true);
        check(206, &[("content-range", "BYTES 0-6/*"), ("content-type", "text/html")], true);
        check(206, &[("content-range", "bytes 0-18446744073709551615/0")], true);
        check(206, &[("content-range", "nonsense")], true);
        check(206, &[("content-range", "")], true);
        check(206, &[("content-type", "multipart/byteranges; boundary=x")], true);
        check(206, &[("content-range", "bytes 0-9/10"), ("content-range", "bytes 1-2/3")], true);
        check(200, &[("content-range", "bytes 3-6/99")], true);
        let types = [("content-type", "image/png"), ("content-type", "text/plain")];
        check(206, &[types[0], types[1], ("content-range", "bytes 3-6/99")], true);
    }

    #[test]
    fn what_is_whole_or_counted_otherwise_or_no_text_is_not() {
        for kind in [
            "video/mp4",
            "Application/Octet-Stream",
            "application/pdf; x=y",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ] {
            check(206, &[("content-type", kind), ("content-range", "bytes 3-6/99")], false);
        }
        check(206, &[("content-range", "bytes 0-98/99")], false);
        check(206, &[("content-range", "items 3-6/99"), ("content-type", "text/json")], false);
        check(206, &[("content-range", "0-14/99"), ("range-unit", "items")], false);
        check(206, &[("content-type", "application/json")], false);
        check(200, &[("content-type", "application/json")], false);
        check(416, &[("content-range", "bytes */99")], false);
    }

    #[test]
    fn without_a_word_on_what_it_is_it_is_the_part_that_was_asked_for() {
        let none = HeaderMap::new();
        assert!(is_cut(StatusCode::PARTIAL_CONTENT, &none, true));
        assert!(
            !is_cut(StatusCode::PARTIAL_CONTENT, &none, false),
            "an answer in parts of its own"
        );
        assert!(!is_cut(StatusCode::OK, &none, true));
    }

    #[track_caller]
    fn check(status: u16, lines: &[(&'static str, &'static str)], expected: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(is_cut(status, &headers, false), expected, "{status} {lines:?}");
    }
}
