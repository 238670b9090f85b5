//! What a request must be before anything else looks at it.

use http::header::{ALLOW, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, TRANSFER_ENCODING, VIA};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use rrcore::{Code, Refusal};
use rrrules::Withheld;

use crate::data_plane::hygiene::hop;
use crate::data_plane::hygiene::websocket::{self, AsksForWebSocket};

/// Checks a request and cleans it: afterwards its head has one reading, and nothing in it belongs
/// to the client's hop or claims to be the gateway's.
///
/// # Errors
/// The refusals of stage `hygiene`.
pub fn admit<B>(request: &mut Request<B>, max_bytes: u64, via: &str) -> Result<(), Refusal> {
    check_method(request.method())?;
    check_version(request.version(), request.headers())?;
    check_target(request.uri(), request.method())?;
    check_size(request.headers())?;
    check_host(request)?;
    check_names(request.headers())?;
    check_framing(request.headers(), max_bytes)?;
    check_expectation(request.headers())?;
    check_loop(request.headers(), via)?;
    if websocket::is_asked_for(request) {
        request.extensions_mut().insert(AsksForWebSocket);
    }
    let nominated = clean(request.headers_mut());
    if !nominated.is_empty() {
        request.extensions_mut().insert(nominated);
    }
    Ok(())
}

/// Removes what `Connection` nominated. Below the rules, which judge with it and without it; above
/// validation, which is of what goes on, and above all that sets a header, so that nothing of ours can
/// be nominated away.
pub fn without_nominated<B>(mut request: Request<B>) -> Request<B> {
    if let Some(nominated) = request.extensions_mut().remove::<Withheld>() {
        nominated.remove_from(request.headers_mut());
    }
    request
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    if *method == Method::CONNECT || *method == Method::TRACE {
        return Err(Refusal::new(Code::MethodNotAllowed).header(ALLOW, ALLOWED));
    }
    if method.as_str().len() > METHOD_BYTES {
        return Err(Refusal::new(Code::NotImplemented).detail("The method is too long."));
    }
    Ok(())
}

fn check_version(version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
    match version {
        // RFC 9112 §6.1: a chunked HTTP/1.0 message has no agreed framing.
        Version::HTTP_10 if headers.contains_key(TRANSFER_ENCODING) => {
            Err(malformed("HTTP/1.0 has no Transfer-Encoding."))
        }
        Version::HTTP_10 | Version::HTTP_11 => Ok(()),
        _ => Err(Code::HttpVersionNotSupported.into()),
    }
}

fn check_target(uri: &Uri, method: &Method) -> Result<(), Refusal> {
    let target = uri.path_and_query().map_or("", |it| it.as_str());
    if target.len() > TARGET_BYTES {
        return Err(Code::UriTooLong.into());
    }
    if !target.bytes().all(|it| it.is_ascii_graphic()) {
        return Err(malformed("The target has bytes that a URL cannot have."));
    }
    if uri.path() == "*" && *method != Method::OPTIONS {
        return Err(malformed("Only OPTIONS has the target `*`."));
    }
    if uri.scheme().is_some_and(|it| *it != Scheme::HTTP && *it != Scheme::HTTPS) {
        return Err(malformed("The target's scheme is not http or https."));
    }
    Ok(())
}

// The server's own limit is that of its buffer, which a fast sender can overrun by one read.
fn check_size(headers: &HeaderMap) -> Result<(), Refusal> {
    let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    match headers.iter().map(size).sum::<usize>() > HEAD_BYTES {
        true => Err(Code::HeadersTooLarge.into()),
        false => Ok(()),
    }
}

fn check_host<B>(request: &Request<B>) -> Result<(), Refusal> {
    let mut lines = request.headers().get_all(HOST).iter();
    let host = match (lines.next(), lines.next()) {
        (Some(host), None) => host,
        (None, _) if request.version() == Version::HTTP_10 => return Ok(()),
        (None, _) => return Err(malformed("There is no Host.")),
        (Some(_), Some(_)) => return Err(malformed("There is more than one Host.")),
    };
    let host =
        Authority::try_from(host.as_bytes()).map_err(|_| malformed("The Host is not a host."))?;
    check_authority(&host)?;
    // RFC 9112 §3.2.2: in absolute form the target's authority counts. Two different ones are two
    // readings.
    match request.uri().authority() {
        Some(it) if *it != host => Err(malformed("The target and Host name different hosts.")),
        Some(_) | None => Ok(()),
    }
}

fn check_authority(host: &Authority) -> Result<(), Refusal> {
    let port = host.as_str().strip_prefix(host.host()).unwrap_or(host.as_str());
    let is_port = port.is_empty() || host.port_u16().is_some();
    if host.host().is_empty() || host.as_str().contains('@') || !is_port {
        return Err(malformed("The Host is not a host."));
    }
    Ok(())
}

// `Transfer_Encoding` is a header of its own to us and framing to a lenient reader behind us.
fn check_names(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_look_alike = |name: &HeaderName| {
        let folds_to = |it: &&str| hop::folded(name.as_str()).eq(it.bytes());
        hop::is_folded(name) && FRAMING.iter().any(folds_to)
    };
    if headers.keys().any(is_look_alike) {
        return Err(malformed("A header's name looks like one that frames the message."));
    }
    Ok(())
}

fn check_framing(headers: &HeaderMap, max_bytes: u64) -> Result<(), Refusal> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let coding = match (codings.next(), codings.next()) {
        (None, _) => None,
        (Some(it), None) => Some(it.as_bytes()),
        (Some(_), Some(_)) => return Err(malformed("There is more than one Transfer-Encoding.")),
    };
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => None,
        (Some(it), None) => Some(it.as_bytes()),
        (Some(_), Some(_)) => return Err(malformed("There is more than one Content-Length.")),
    };
    match (coding, length) {
        (Some(_), Some(_)) => Err(malformed("The message is framed in two ways.")),
        (Some(it), None) if it.eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(_), None) => {
            Err(Refusal::new(Code::NotImplemented).detail("Only the transfer coding `chunked` is."))
        }
        (None, Some(it)) => check_length(it, max_bytes),
        (None, None) => Ok(()),
    }
}

fn check_length(length: &[u8], max_bytes: u64) -> Result<(), Refusal> {
    let digits =
        std::str::from_utf8(length).ok().filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|it| it.parse::<u64>().ok()) {
        None => Err(malformed("Content-Length is not a number.")),
        Some(it) if it > max_bytes => Err(Code::ContentTooLarge.into()),
        Some(_) => Ok(()),
    }
}

fn check_expectation(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(EXPECT) {
        Some(it) if !it.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err(Code::ExpectationFailed.into())
        }
        Some(_) | None => Ok(()),
    }
}

fn check_loop(headers: &HeaderMap, via: &str) -> Result<(), Refusal> {
    let hops = headers.get_all(VIA).iter().filter_map(|it| it.to_str().ok());
    let is_ours = |hop: &str| hop.split_whitespace().nth(1) == Some(via);
    match hops.flat_map(|it| it.split(',')).any(is_ours) {
        true => Err(Code::LoopDetected.into()),
        false => Ok(()),
    }
}

fn clean(headers: &mut HeaderMap) -> Withheld {
    let nominated = hop::strip(headers);
    hop::remove_prefixed(headers, "rr-");
    // What the caller says about itself goes no further: whoever reads these behind us believes
    // them.
    hop::remove_prefixed(headers, "x-forwarded-");
    headers.remove(FORWARDED);
    headers.remove("x-real-ip");
    // The server has answered it by now, or will when the body is read.
    headers.remove(EXPECT);
    nominated
}

fn malformed(detail: &str) -> Refusal {
    Refusal::new(Code::MalformedRequest).detail(detail)
}

const TARGET_BYTES: usize = 16 * 1024;
const HEAD_BYTES: usize = 64 * 1024;
const METHOD_BYTES: usize = 32;
const ALLOWED: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
const FRAMING: [&str; 8] = [
    "transfer-encoding",
    "content-length",
    "host",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
];

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn an_ordinary_request_is_admitted() {
        check(get("/x"), None);
        check(get("http://gateway.test/x"), None);
        check(get("/x").header("content-length", "7"), None);
        check(get("/x").header("transfer-encoding", "chunked"), None);
        check(get("/x").header("expect", "100-continue"), None);
        check(get("*").method("OPTIONS"), None);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        check(get("/x").header("host", "other.test"), Some(400));
        check(get("http://other.test/x"), Some(400));
        check(get("ftp://gateway.test/x"), Some(400));
        check(get("*"), Some(400));
        check(get("/x").header("content-length", "7").header("content-length", "7"), Some(400));
        check(get("/x").header("content-length", "+7"), Some(400));
        check(
            get("/x").header("content-length", "7").header("transfer-encoding", "chunked"),
            Some(400),
        );
        check(
            get("/x").header("transfer-encoding", "chunked").header("transfer-encoding", "chunked"),
            Some(400),
        );
        check(get("/x").header("transfer_encoding", "chunked"), Some(400));
        check(
            get("/x").version(Version::HTTP_10).header("transfer-encoding", "chunked"),
            Some(400),
        );
    }

    #[test]
    fn what_is_not_served_says_so() {
        check(get("/x").method("TRACE"), Some(405));
        check(get("/x").method("A".repeat(33).as_str()), Some(501));
        check(get(&format!("/{}", "a".repeat(TARGET_BYTES))), Some(414));
        check(get("/x").header("x-large", "a".repeat(HEAD_BYTES)), Some(431));
        check(get("/x").header("content-length", "101"), Some(413));
        check(get("/x").header("transfer-encoding", "gzip, chunked"), Some(501));
        check(get("/x").header("expect", "200-ok"), Some(417));
        check(get("/x").header("via", "1.1 first, 1.1 us"), Some(508));
        check(get("/x").version(Version::HTTP_2), Some(505));
    }

    #[test]
    fn what_a_client_says_of_itself_is_removed() {
        let mut request = get("/x")
            .header("x-forwarded-for", "1.2.3.4")
            .header("x_forwarded_proto", "https")
            .header("rr-request-id", "mine")
            .header("connection", "x-secret")
            .header("x-secret", "1")
            .header("x-request-id", "travels")
            .body(())
            .unwrap();
        admit(&mut request, 100, "us").unwrap();
        assert!(request.headers().contains_key("x-secret"), "the rules must see it");
        let request = without_nominated(request);
        let mut left: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["host", "x-request-id"]);
    }

    fn get(target: &str) -> http::request::Builder {
        Request::get(target).header("host", "gateway.test")
    }

    #[track_caller]
    fn check(request: http::request::Builder, expected: Option<u16>) {
        let mut request = request.body(()).unwrap();
        let refusal = admit(&mut request, 100, "us").err();
        assert_eq!(
            refusal.map(|it| it.status()),
            expected.map(|it| StatusCode::from_u16(it).unwrap())
        );
    }
}
