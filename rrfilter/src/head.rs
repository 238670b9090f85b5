//! What is decided by a response's head, and what of it is true no longer after a filter.

use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, IF_RANGE, RANGE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rrcore::HeaderNames;
use rrcore::coding::{Coding, STREAMED};
use rrcore::records::Framing;

use crate::filter::Filter;
use crate::policy::Plan;
use crate::work::Shape;

/// What becomes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// No filter speaks of it.
    Passes,
    /// It has no content, whatever the upstream sent with it.
    PassesEmpty,
    /// It has no content, but its head describes content that was never filtered.
    PassesAsHead,
    /// Its content has to be this, in this coding.
    Filtered(Shape, Coding),
    /// It cannot be filtered, for this reason.
    Refused(&'static str),
}

pub(crate) fn fate(method: &Method, response: &Parts, plan: &Plan) -> Fate {
    match response.status {
        // What follows in another protocol, no filter would see.
        StatusCode::SWITCHING_PROTOCOLS if !plan.is_empty() => {
            return Fate::Refused("what follows is not HTTP");
        }
        status if status.is_informational() => return Fate::Passes,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT => return Fate::PassesEmpty,
        StatusCode::NOT_MODIFIED => return Fate::PassesAsHead,
        _ if plan.is_empty() => return Fate::Passes,
        _ if method == Method::HEAD => return Fate::PassesAsHead,
        // Parts that the client would put together to what no filter saw; RFC 9110, RFC 3229.
        StatusCode::PARTIAL_CONTENT | StatusCode::IM_USED => {
            return Fate::Refused("it is only a part");
        }
        _ => {}
    }
    let shape = match kind(&response.headers) {
        Some(Kind::Json) => Shape::Document,
        Some(Kind::Records(_)) if !plan.enforced().all(Filter::is_streaming) => {
            return Fate::Refused("a filter does not apply to streams of records");
        }
        Some(Kind::Records(framing)) => Shape::Records(framing),
        None => return Fate::Refused("it is not declared as JSON in UTF-8"),
    };
    match Coding::of(&response.headers) {
        Ok(coding) => Fate::Filtered(shape, coding),
        Err(_) => Fate::Refused("its content coding is not supported"),
    }
}

/// Asks the upstream for what can be filtered: the whole, in a coding that the client can do, and that
/// can be undone while it arrives.
pub(crate) fn ask_for_the_whole(request: &mut HeaderMap) {
    request.remove(RANGE);
    request.remove(IF_RANGE);
    narrow(request);
}

/// Asks for codings that the client can do, and that can be undone while the content arrives.
pub(crate) fn narrow(request: &mut HeaderMap) {
    let mut lines = request.get_all(ACCEPT_ENCODING).iter();
    if let (Some(line), None) = (lines.next(), lines.next())
        && line.as_bytes().split(|it| *it == b',').all(is_streamed)
    {
        return;
    }
    let accepted = narrowed(request).unwrap_or(HeaderValue::from_static("identity"));
    request.insert(ACCEPT_ENCODING, accepted);
}

// What the client accepts, as far as it is in `STREAMED`, with its weights. What a client says nothing
// of is not asked for: it would have to be undone for nobody's good.
fn narrowed(request: &HeaderMap) -> Option<HeaderValue> {
    let lines = request.get_all(ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    let is_ours = |entry: &&str| is_streamed(entry.as_bytes());
    let ours: Vec<_> = lines.flat_map(|it| it.split(',')).map(str::trim).filter(is_ours).collect();
    if ours.is_empty() {
        return None;
    }
    HeaderValue::try_from(ours.join(", ")).ok()
}

fn is_streamed(entry: &[u8]) -> bool {
    let end = entry.iter().position(|it| *it == b';').unwrap_or(entry.len());
    let name = entry.get(..end).unwrap_or_default().trim_ascii();
    STREAMED.iter().any(|it| it.as_bytes().eq_ignore_ascii_case(name))
}

/// Takes out what describes the content before the filters: its length, coding and parts, and what
/// is made from its bytes (a digest of a short secret gives it away).
pub(crate) fn forget_the_original(response: &mut HeaderMap) {
    STALE.remove_from(response);
}

/// Takes out what describes the body of a request before the filters, but its length.
pub(crate) fn forget_the_original_request(request: &mut HeaderMap) {
    STALE_IN_REQUESTS.remove_from(request);
}

enum Kind {
    Json,
    Records(Framing),
}

// Exactly one type, of those that are looked into, in UTF-8. JSON is `application/json` or what ends
// in `+json` (RFC 6839).
fn kind(headers: &HeaderMap) -> Option<Kind> {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let mut parts = line.to_str().ok()?.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let kind = match name.split_once('/')? {
        ("application", "json") => Kind::Json,
        ("text", "event-stream") => Kind::Records(Framing::EventStream),
        ("application", "x-ndjson") => Kind::Records(Framing::Lines),
        (kind, subtype) => {
            let is_suffixed = subtype.strip_suffix("+json").is_some_and(is_token);
            (is_token(kind) && is_suffixed).then_some(Kind::Json)?
        }
    };
    parts.all(is_utf_8_if_charset).then_some(kind)
}

/// Whether a message with these headers is JSON, by its own word.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    matches!(kind(headers), Some(Kind::Json))
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

const STALE: HeaderNames = HeaderNames::new(&[
    "accept-ranges",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-range",
    "digest",
    "etag",
    "im",
    "repr-digest",
    "trailer",
    "transfer-encoding",
]);

const STALE_IN_REQUESTS: HeaderNames = HeaderNames::new(&[
    "content-digest",
    "content-encoding",
    "content-md5",
    "digest",
    "repr-digest",
]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{FilterSet, Operation};
    use crate::policy::Policy;
    use crate::terms::Mode;
    use http::Response;
    use rrcore::Scope;

    #[test]
    fn only_json_in_utf_8_is_filtered() {
        let json = Fate::Filtered(Shape::Document, Coding::Identity);
        check(&Method::GET, 200, &["application/json"], json);
        check(&Method::POST, 201, &["Application/JSON ; charset=\"UTF-8\""], json);
        check(&Method::GET, 207, &["application/vnd.api+json;profile=x"], json);
        check(&Method::GET, 200, &["application/problem+json"], json);

        let other = Fate::Refused("it is not declared as JSON in UTF-8");
        check(&Method::GET, 200, &[], other);
        check(&Method::GET, 200, &[""], other);
        check(&Method::GET, 200, &["text/html"], other);
        check(&Method::GET, 200, &["text/json"], other);
        check(&Method::GET, 200, &["text/html+json, text/html"], other);
        check(&Method::GET, 200, &["application/+json"], other);
        check(&Method::GET, 200, &["application/json, text/html"], other);
        check(&Method::GET, 200, &["application/json", "application/json"], other);
        check(&Method::GET, 200, &["application/json; charset=utf-16"], other);
        check(&Method::GET, 200, &["application/json; charset=utf-8; charset=latin1"], other);
    }

    #[test]
    fn what_is_no_whole_content_passes_or_is_refused_by_its_status() {
        check(&Method::GET, 100, &["text/html"], Fate::Passes);
        check(&Method::GET, 101, &[], Fate::Refused("what follows is not HTTP"));
        for status in [204, 205] {
            check(&Method::GET, status, &["text/html"], Fate::PassesEmpty);
        }
        check(&Method::GET, 304, &[], Fate::PassesAsHead);
        check(&Method::HEAD, 200, &["text/html"], Fate::PassesAsHead);
        check(&Method::HEAD, 206, &[], Fate::PassesAsHead);
        for status in [206, 226] {
            check(&Method::GET, status, &["application/json"], Fate::Refused("it is only a part"));
        }
    }

    #[test]
    fn records_are_filtered_where_every_filter_was_told_so() {
        let parts = |kind: &str| {
            let response = Response::builder().header(CONTENT_TYPE, kind).body(()).unwrap();
            response.into_parts().0
        };
        let streaming = filter().streaming(true);
        let shadow = filter().mode(Mode::Shadow);
        for (kind, framing) in [
            ("text/event-stream; charset=utf-8", Framing::EventStream),
            ("application/x-ndjson", Framing::Lines),
        ] {
            let fate = |it: &[Filter]| fate(&Method::GET, &parts(kind), &plan(it));
            let records = Fate::Filtered(Shape::Records(framing), Coding::Identity);
            assert_eq!(fate(std::slice::from_ref(&streaming)), records);
            assert_eq!(fate(&[streaming.clone(), shadow.clone()]), records);
            let refused = Fate::Refused("a filter does not apply to streams of records");
            assert_eq!(fate(&[streaming.clone(), filter()]), refused);
        }
    }

    #[test]
    fn a_status_that_no_filter_speaks_of_passes() {
        let (head, ()) = Response::builder().status(404).body(()).unwrap().into_parts();
        assert_eq!(fate(&Method::GET, &head, &plan(&[])), Fate::Passes);
        assert_eq!(fate(&Method::HEAD, &head, &plan(&[])), Fate::Passes);
    }

    #[test]
    fn what_is_asked_for_is_what_the_client_can_do_and_we_can_undo() {
        check_asked(&[], "identity");
        check_asked(&["br"], "br");
        check_asked(&["gzip;q=0.5, zstd, dcb, *", "BR;q=1"], "gzip;q=0.5, BR;q=1");
        check_asked(&["zstd"], "identity");
        check_asked(&["identity;q=0, gzip"], "identity;q=0, gzip");
    }

    #[track_caller]
    fn check_asked(lines: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT_ENCODING, line.parse().unwrap());
        }
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-1"));
        ask_for_the_whole(&mut headers);
        assert_eq!(headers[ACCEPT_ENCODING], expected, "{lines:?}");
        assert_eq!(headers.len(), 1);
    }

    fn filter() -> Filter {
        Filter::new("flt", Operation::Retain, ["$"]).unwrap()
    }

    fn plan(filters: &[Filter]) -> Plan {
        let mut policy = Policy::new();
        policy.hang(Scope::Proxy, FilterSet::new(filters.to_vec()).into());
        policy.all(&http::Extensions::new(), |_| true).unwrap()
    }

    #[track_caller]
    fn check(method: &Method, status: u16, types: &[&str], expected: Fate) {
        let mut response = Response::builder().status(status);
        for line in types {
            response = response.header(CONTENT_TYPE, *line);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        assert_eq!(
            fate(method, &head, &plan(&[filter()])),
            expected,
            "{method} {status} {types:?}"
        );
    }
}
