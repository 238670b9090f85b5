//! Names, prefixes and URLs in `auth`.

use http::{HeaderName, header};

use crate::control_plane::wire::fields::{Fields, Node};
use crate::control_plane::wire::target;
use crate::model::EgressPolicy;

pub(super) fn prefix(node: Node<'_>) -> Option<String> {
    node.parsed(0..=LONGEST_PREFIX, |text| {
        let is_ascii = text.bytes().all(|it| it == b' ' || it.is_ascii_graphic());
        let is_kept = is_ascii && !text.starts_with(' ');
        is_kept.then(|| text.to_string()).ok_or("expected visible ASCII, without a space in front")
    })
}

/// The prefix of what stands in the query: none. The one that headers have by default is none
/// either: it comes back with a change of the place, and nobody has given it.
pub(super) fn no_prefix(fields: &mut Fields<'_>, by_default: &str) -> Option<String> {
    fields.or("prefix", String::new(), |it| {
        it.parsed(0..=LONGEST_PREFIX, |text| match text.is_empty() || text.as_str() == by_default {
            true => Ok(String::new()),
            false => Err("a prefix goes with a header only: give an empty one"),
        })
    })
}

pub(super) fn header_name(node: Node<'_>) -> Option<String> {
    node.parsed(1..=128, |text| usable(&text).map(|_| text.to_string()))
}

/// The header of a caller's key. Of all callers of a client: who shows anything in it shows a key.
pub(super) fn callers_header(node: Node<'_>) -> Option<String> {
    node.parsed(1..=128, |text| match is_ordinary(&usable(&text)?) {
        true => {
            Err("ordinary requests have this header for something else, and each of them would \
             be taken to show a key")
        }
        false => Ok(text.to_string()),
    })
}

fn is_ordinary(name: &HeaderName) -> bool {
    let name = name.as_str();
    ORDINARY.contains(&name) || ORDINARY_PREFIXES.iter().any(|it| name.starts_with(it))
}

/// A header that the gateway leaves to credentials.
pub(super) fn usable(name: &str) -> Result<HeaderName, &'static str> {
    let name: HeaderName = name.parse().map_err(|_| "this is not a header name")?;
    let is_ours = name.as_str().starts_with("rr-") || name == header::VIA;
    // Framing and hop-by-hop (RFC 9110 §7.6.1): a secret there would be lost or worse.
    let is_sent = rrauth::Presentation::header(name.clone(), "").is_ok();
    if is_ours || !is_sent { Err("the gateway itself sets this header") } else { Ok(name) }
}

pub(super) fn parameter_name(node: Node<'_>) -> Option<String> {
    node.parsed(1..=128, |text| {
        let is_visible = text.bytes().all(|it| it.is_ascii_graphic());
        is_visible.then(|| text.to_string()).ok_or("expected visible ASCII characters")
    })
}

/// An absolute URL that may be called: with a path and a query, where `query` says so.
pub(super) fn url(
    node: Node<'_>,
    plaintext: bool,
    query: bool,
    egress: &EgressPolicy,
) -> Option<String> {
    node.parsed(1..=2_048, |text| {
        // Nobody is sent it, and what is called must not have one (RFC 6749 §3.2).
        if text.contains('#') {
            return Err("a URL that is called has no fragment".to_owned());
        }
        let (base, rest) = match text.split_once('?') {
            Some((base, rest)) if query => (base, Some(rest)),
            Some(_) | None => (text.as_str(), None),
        };
        let url = target::callable(base, plaintext, egress)?;
        let path = match url.path() {
            "" => "/",
            path => path,
        };
        // A base URL is without its last slash; an endpoint may mean it.
        let slash = if base.ends_with('/') && !path.ends_with('/') { "/" } else { "" };
        let origin = format!("{}://{}", url.scheme(), url.authority());
        let whole = match rest {
            None => format!("{origin}{path}{slash}"),
            Some(rest) => format!("{origin}{path}{slash}?{rest}"),
        };
        let is_uri = whole.parse::<http::Uri>().is_ok();
        is_uri.then_some(whole).ok_or_else(|| "this is not a URL".to_owned())
    })
}

/// Words of visible ASCII, each once, such as scopes.
pub(crate) fn words(node: Node<'_>) -> Option<Vec<String>> {
    let mut seen = std::collections::HashSet::new();
    node.list(MOST_WORDS, |it| {
        it.parsed(1..=256, |text| {
            // RFC 6749 §3.3.
            let is_word = text.bytes().all(|it| it.is_ascii_graphic() && !b"\"\\".contains(&it));
            let is_new = seen.insert(text.to_string());
            match (is_word, is_new) {
                (false, _) => Err("expected visible ASCII without quote and backslash"),
                (true, false) => Err("this is named twice"),
                (true, true) => Ok(text.to_string()),
            }
        })
    })
}

/// `allowPlaintext`, by default `false`. What is wrong with it counts as `true`: one flaw is enough.
pub(super) fn plaintext(fields: &mut Fields<'_>) -> Option<bool> {
    fields.or("allowPlaintext", false, Node::boolean)
}

const MOST_WORDS: usize = 50;
const LONGEST_PREFIX: usize = 64;

// What browsers, libraries, proxies and tracers send with requests that are nobody's key.
const ORDINARY: [&str; 32] = [
    "accept",
    "alt-used",
    "b3",
    "baggage",
    "cache-control",
    "cookie",
    "correlation-id",
    "date",
    "dnt",
    "early-data",
    "forwarded",
    "from",
    "idempotency-key",
    "last-event-id",
    "max-forwards",
    "origin",
    "pragma",
    "prefer",
    "priority",
    "range",
    "referer",
    "request-id",
    "save-data",
    "traceparent",
    "tracestate",
    "upgrade-insecure-requests",
    "user-agent",
    "x-amzn-trace-id",
    "x-correlation-id",
    "x-real-ip",
    "x-request-id",
    "x-requested-with",
];
const ORDINARY_PREFIXES: [&str; 7] =
    ["accept-", "access-control-", "content-", "if-", "sec-", "x-b3-", "x-forwarded-"];
