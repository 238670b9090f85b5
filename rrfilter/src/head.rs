//! What is decided by a response's head, and what of it is true no longer after a filter.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, IF_RANGE, RANGE, TRAILER, TRANSFER_ENCODING,
};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rrcore::coding::{ACCEPTED, Coding};

/// What becomes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has nothing that filters speak of.
    Passes,
    /// It has no content, but its head describes content that was never filtered.
    PassesAsHead,
    /// Its content has to be JSON, in this coding.
    Filtered(Coding),
    /// It cannot be filtered, for this reason.
    Refused(&'static str),
}

pub(crate) fn fate(method: &Method, response: &Parts) -> Fate {
    match response.status {
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT => Fate::Passes,
        StatusCode::NOT_MODIFIED => Fate::PassesAsHead,
        status if !status.is_success() => Fate::Passes,
        _ if method == Method::HEAD => Fate::PassesAsHead,
        // Parts that the client would put together to what no filter saw; RFC 9110, RFC 3229.
        StatusCode::PARTIAL_CONTENT | StatusCode::IM_USED => Fate::Refused("it is only a part"),
        _ if !is_json(&response.headers) => Fate::Refused("it is not declared as JSON in UTF-8"),
        _ => match Coding::of(&response.headers) {
            Ok(coding) => Fate::Filtered(coding),
            Err(_) => Fate::Refused("its content coding is not supported"),
        },
    }
}

/// Asks the upstream for what can be filtered: the whole, in a coding that can be undone.
pub(crate) fn ask_for_the_whole(request: &mut HeaderMap) {
    request.remove(RANGE);
    request.remove(IF_RANGE);
    request.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
}

/// Takes out what describes the content before the filters: its length, coding and parts, and what
/// is made from its bytes (a digest of a short secret gives it away).
pub(crate) fn forget_the_original(response: &mut HeaderMap) {
    for name in STALE {
        response.remove(name);
    }
}

// Exactly one type, `application/json` or one that ends in `+json` (RFC 6839), in UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(text) = line.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json = match name.split_once('/') {
        Some(("application", "json")) => true,
        Some((kind, subtype)) => {
            let suffixed = subtype.strip_suffix("+json").is_some_and(is_token);
            is_token(kind) && suffixed
        }
        None => false,
    };
    is_json && parts.all(is_utf_8_if_charset)
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it))
}

fn is_utf_8_if_charset(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    let is_utf_8 = ["utf-8", "utf8"].iter().any(|it| value.eq_ignore_ascii_case(it));
    is_utf_8 || !name.trim().eq_ignore_ascii_case("charset")
}

const STALE: [HeaderName; 12] = [
    ACCEPT_RANGES,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    ETAG,
    TRAILER,
    TRANSFER_ENCODING,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("im"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;

    #[test]
    fn only_json_in_utf_8_is_filtered() {
        let json = Fate::Filtered(Coding::Identity);
        check(&Method::GET, 200, &["application/json"], json);
        check(&Method::POST, 201, &["Application/JSON ; charset=\"UTF-8\""], json);
        check(&Method::GET, 207, &["application/vnd.api+json;profile=x"], json);
        check(&Method::GET, 200, &["application/problem+json"], json);

        let other = Fate::Refused("it is not declared as JSON in UTF-8");
        check(&Method::GET, 200, &[], other);
        check(&Method::GET, 200, &[""], other);
        check(&Method::GET, 200, &["text/html"], other);
        check(&Method::GET, 200, &["text/json"], other);
        check(&Method::GET, 200, &["application/x-ndjson"], other);
        check(&Method::GET, 200, &["text/html+json, text/html"], other);
        check(&Method::GET, 200, &["application/+json"], other);
        check(&Method::GET, 200, &["application/json, text/html"], other);
        check(&Method::GET, 200, &["application/json", "application/json"], other);
        check(&Method::GET, 200, &["application/json; charset=utf-16"], other);
        check(&Method::GET, 200, &["application/json; charset=utf-8; charset=latin1"], other);
    }

    #[test]
    fn what_is_no_whole_content_passes_or_is_refused_by_its_status() {
        for status in [100, 101, 204, 205, 301, 400, 404, 500] {
            check(&Method::GET, status, &["text/html"], Fate::Passes);
        }
        check(&Method::GET, 304, &[], Fate::PassesAsHead);
        check(&Method::HEAD, 200, &["text/html"], Fate::PassesAsHead);
        check(&Method::HEAD, 206, &[], Fate::PassesAsHead);
        check(&Method::HEAD, 404, &[], Fate::Passes);
        for status in [206, 226] {
            check(&Method::GET, status, &["application/json"], Fate::Refused("it is only a part"));
        }
    }

    #[track_caller]
    fn check(method: &Method, status: u16, types: &[&str], expected: Fate) {
        let mut response = Response::builder().status(status);
        for line in types {
            response = response.header(CONTENT_TYPE, *line);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        assert_eq!(fate(method, &head), expected, "{method} {status} {types:?}");
    }
}
