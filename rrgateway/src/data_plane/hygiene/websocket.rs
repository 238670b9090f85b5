//! The one other protocol that a connection may turn into: WebSocket (RFC 6455).
//!
//! No other is passed on. Behind `Upgrade: h2c` the client would speak HTTP past all stages, and of
//! an unknown protocol nobody knows what it may ask for.

use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, Method, Request, Version};

/// The request may be turned into a WebSocket, if its proxy allows that: a request extension.
#[derive(Clone, Copy, Debug)]
pub struct AsksForWebSocket;

/// Whether `request` is the opening handshake of a client (RFC 6455 §4.2.1), and nothing besides.
pub fn is_asked_for<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    // Most requests end here.
    headers.contains_key(UPGRADE)
        && request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && !headers.contains_key(CONTENT_LENGTH)
        && !headers.contains_key(TRANSFER_ENCODING)
        && is_websocket(headers)
        && only(headers, &SEC_WEBSOCKET_VERSION).is_some_and(|it| it == "13")
        && only(headers, &SEC_WEBSOCKET_KEY).is_some()
}

/// Whether these headers change the protocol to WebSocket.
pub fn is_websocket(headers: &HeaderMap) -> bool {
    let mut nominated = headers.get_all(CONNECTION).iter().filter_map(|it| it.to_str().ok());
    let is_upgrade = |it: &str| it.split(',').any(|it| it.trim().eq_ignore_ascii_case("upgrade"));
    only(headers, &UPGRADE).is_some_and(|it| it.eq_ignore_ascii_case("websocket"))
        && nominated.any(is_upgrade)
}

// The header's value, where there is exactly one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok(),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_handshake_asks_for_a_websocket() {
        check(true, |it| it);
        check(true, |it| it.header("connection", "x-a"));
        check(false, |it| it.method("POST"));
        check(false, |it| it.version(Version::HTTP_10));
        check(false, |it| it.header("content-length", "7"));
        check(false, |it| it.header("transfer-encoding", "chunked"));
        check(false, |it| it.header("upgrade", "h2c"));
        check(false, |it| it.header("sec-websocket-key", "2"));
        check(false, |it| it.header("sec-websocket-version", "12"));
        for (name, value) in [
            ("upgrade", "h2c"),
            ("upgrade", "websocket, h2c"),
            ("connection", "keep-alive"),
            ("sec-websocket-version", "12"),
        ] {
            let mut request = handshake().body(()).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
            assert!(!is_asked_for(&request), "{name}: {value}");
        }
    }

    fn handshake() -> http::request::Builder {
        Request::get("/")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    #[track_caller]
    fn check(
        expected: bool,
        change: impl FnOnce(http::request::Builder) -> http::request::Builder,
    ) {
        let request = change(handshake()).body(()).unwrap();
        assert_eq!(is_asked_for(&request), expected, "{request:?}");
    }
}
