//! What stands before every request: whom it is for, which site it comes from, what it is called.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rrcore::RequestId;

use crate::control_plane::api::problem::{FORBIDDEN, MISDIRECTED, Problem};
use crate::control_plane::api::state::Api;

/// Refuses requests that a browser was tricked into (DNS rebinding, other sites), and finishes
/// every response.
pub(crate) async fn guard(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::new(api.clock.now().wall);
    // For what is written down of it.
    request.extensions_mut().insert(id);
    let response = match admit(&request, &api.hosts) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    finish(response, id.as_str())
}

fn finish(mut response: Response, id: &str) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.write(id, response.headers().get(ALLOW).cloned());
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("rr-request-id"), id);
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn admit(request: &Request, hosts: &[String]) -> Result<(), Problem> {
    // Probes call by whatever address they have, and learn nothing.
    if matches!(request.uri().path(), "/livez" | "/readyz") {
        return Ok(());
    }
    let misdirected = || Problem::new(MISDIRECTED).detail(NAMES);
    let host = only(request.headers(), &HOST).ok_or_else(misdirected)?;
    let mut named = request.uri().authority().into_iter().chain([&host]);
    if !named.all(|it| is_ours(it, hosts)) {
        return Err(misdirected());
    }
    if !request.headers().contains_key(ORIGIN) || is_same_origin(request.headers(), &host) {
        return Ok(());
    }
    Err(Problem::new(FORBIDDEN))
}

// The authority in a header that is there once.
fn only(headers: &HeaderMap, name: &HeaderName) -> Option<Authority> {
    let mut lines = headers.get_all(name).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let authority = Authority::try_from(line.as_bytes()).ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}

/// The name or address in `text`, as all are compared: without port and brackets, in lower case.
pub(crate) fn host_name(text: &str) -> String {
    let authority = Authority::try_from(text);
    let host = authority.as_ref().map_or(text, Authority::host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn is_ours(authority: &Authority, hosts: &[String]) -> bool {
    let host = host_name(authority.as_str());
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost"
        || address.is_some_and(|it| it.to_canonical().is_loopback())
        || hosts.contains(&host)
}

fn is_same_origin(headers: &HeaderMap, host: &Authority) -> bool {
    let mut lines = headers.get_all(ORIGIN).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let Ok(origin) = line.to_str() else { return false };
    let named = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    named.is_some_and(|it| it.eq_ignore_ascii_case(host.as_str()))
}

const NAMES: &str = "It is called by localhost, by the address that it listens on, or by a name that \
                     the setting control.hosts gives (--control-host).";
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn only_names_of_this_listener_are_answered() {
        for host in ["localhost:8081", "127.0.0.1", "[::1]:8081", "LOCALHOST.", "gw.example:1"] {
            check("/v1", &[("host", host)], true);
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "a@localhost", ""] {
            check("/v1", &[("host", host)], false);
        }
        check("/v1", &[], false);
        check("/v1", &[("host", "localhost"), ("host", "localhost")], false);
        check("http://evil.example/v1", &[("host", "localhost")], false);
        check("/livez", &[], true);
    }

    #[test]
    fn configured_names_are_compared_without_port() {
        for (text, expected) in
            [("GW.example.:1", "gw.example"), ("[fd00::1]:8081", "fd00::1"), ("fd00::1", "fd00::1")]
        {
            assert_eq!(host_name(text), expected);
        }
    }

    #[test]
    fn other_sites_are_refused() {
        let host = ("host", "localhost:8081");
        check("/v1", &[host, ("origin", "http://localhost:8081")], true);
        for origin in ["http://localhost:3000", "http://evil.example", "null", ""] {
            check("/v1", &[host, ("origin", origin)], false);
        }
    }

    #[track_caller]
    fn check(uri: &str, headers: &[(&str, &str)], expected: bool) {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let admitted = admit(&request, &["gw.example".to_owned()]).is_ok();
        assert_eq!(admitted, expected, "{uri} {headers:?}");
    }
}
