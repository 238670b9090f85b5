//! How a credential is shown, and to whom.

use std::collections::HashSet;

use http::HeaderName;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::control_plane::wire::fields::{Fields, Node};
use crate::control_plane::wire::secret;

/// Who shows a credential to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A caller, to the gateway.
    Proxy,
    /// The gateway, to the upstream.
    Target,
}

/// How a credential is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Auth {
    ApiKey {
        #[serde(rename = "in")]
        place: Place,
        name: String,
        prefix: String,
    },
    Bearer {
        prefix: String,
    },
    #[serde(rename = "basicAuth")]
    Basic {
        username: String,
    },
    Custom {
        /// The names of the headers, in the order given; their values are the secret.
        headers: Vec<String>,
    },
    None {},
}

/// Where an API key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    Header,
    Query,
}

impl Auth {
    /// Where the secret stands in what a client sends, as a pointer; `None` where there is none.
    pub(crate) const fn secret_pointer(&self) -> Option<&'static str> {
        match self {
            Self::ApiKey { .. } => Some("/auth/key"),
            Self::Bearer { .. } => Some("/auth/token"),
            Self::Basic { .. } => Some("/auth/password"),
            Self::Custom { .. } => Some("/auth/headers"),
            Self::None {} => None,
        }
    }

    /// Whether a secret for the one can stay when the other takes its place.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// This, with what of `old` belongs to the secret, which stays.
    pub(crate) fn keeping(self, old: &Self) -> Self {
        match self {
            Self::Custom { .. } => old.clone(),
            Self::ApiKey { .. } | Self::Bearer { .. } | Self::Basic { .. } | Self::None {} => self,
        }
    }

    /// Reads what a client sent for a credential of `kind`, and the secret in it.
    pub(crate) fn read(node: Node<'_>, kind: Kind) -> Option<Read> {
        let mut fields = node.object()?;
        let read = match kind {
            Kind::Proxy => fields.required("type", |it| it.word(&CALLERS)),
            Kind::Target => fields.required("type", |it| it.word(&UPSTREAMS)),
        };
        // Without a type, nobody can say which of the other members are wrong.
        let auth = read?(&mut fields);
        fields.close();
        auth
    }
}

type Read = (Auth, Option<Zeroizing<String>>);
type Reader = fn(&mut Fields<'_>) -> Option<Read>;

const CALLERS: [(&str, Reader); 2] = [("apiKey", callers_key), ("bearer", callers_token)];
const UPSTREAMS: [(&str, Reader); 5] = [
    ("apiKey", upstream_key),
    ("bearer", upstream_token),
    ("basicAuth", basic),
    ("custom", custom),
    ("none", nothing),
];

fn callers_key(fields: &mut Fields<'_>) -> Option<Read> {
    let key = fields.optional("key", secret::callers_secret);
    let name = fields.or("name", DEFAULT_HEADER.to_owned(), header_name);
    let auth = Auth::ApiKey { place: Place::Header, name: name?, prefix: String::new() };
    Some((auth, key?))
}

fn upstream_key(fields: &mut Fields<'_>) -> Option<Read> {
    let key = fields.optional("key", secret::upstream_secret);
    let places = [("header", Place::Header), ("query", Place::Query)];
    let place = fields.or("in", Place::Header, |it| it.word(&places));
    let (name, prefix) = match place? {
        Place::Header => (
            fields.or("name", DEFAULT_HEADER.to_owned(), header_name),
            fields.or("prefix", String::new(), prefix),
        ),
        Place::Query => (fields.required("name", parameter_name), Some(String::new())),
    };
    Some((Auth::ApiKey { place: place?, name: name?, prefix: prefix? }, key?))
}

fn callers_token(fields: &mut Fields<'_>) -> Option<Read> {
    let token = fields.optional("token", secret::callers_secret);
    let prefix = fields.or("prefix", BEARER, |it| it.word(&[(BEARER, BEARER)]));
    Some((Auth::Bearer { prefix: prefix?.to_owned() }, token?))
}

fn upstream_token(fields: &mut Fields<'_>) -> Option<Read> {
    let token = fields.optional("token", secret::upstream_secret);
    let prefix = fields.or("prefix", BEARER.to_owned(), prefix);
    Some((Auth::Bearer { prefix: prefix? }, token?))
}

fn basic(fields: &mut Fields<'_>) -> Option<Read> {
    let password = fields.optional("password", secret::password);
    let username = fields.required("username", |it| {
        it.parsed(0..=256, |text| match text.contains(':') {
            // The first colon ends the user name (RFC 7617 §2).
            true => Err("a user name has no colon"),
            false => Ok(text.to_string()),
        })
    });
    let (username, password) = (username?, password?);
    if username.is_empty() && password.as_ref().is_some_and(|it| it.is_empty()) {
        return fields.flaw("password", "this is empty, and so is the user name");
    }
    Some((Auth::Basic { username }, password))
}

fn custom(fields: &mut Fields<'_>) -> Option<Read> {
    let headers = fields.optional("headers", |it| {
        let mut seen = HashSet::new();
        it.table(MOST_HEADERS, |name, node| {
            let known = usable(name).map(|it| seen.insert(it));
            match known {
                Err(why) => node.flaw(why),
                Ok(false) => node.flaw("this header is named twice"),
                Ok(true) => Some((name.to_owned(), secret::upstream_secret(node)?)),
            }
        })
    });
    let (names, secret) = match headers? {
        None => (Vec::new(), None),
        Some(headers) => {
            let text = secret::table(headers.iter().map(|(name, it)| (name.as_str(), it.as_str())));
            (headers.into_iter().map(|(name, _)| name).collect(), Some(text))
        }
    };
    Some((Auth::Custom { headers: names }, secret))
}

#[expect(clippy::unnecessary_wraps, reason = "as the others, which may find flaws")]
fn nothing(_: &mut Fields<'_>) -> Option<Read> {
    Some((Auth::None {}, None))
}

fn prefix(node: Node<'_>) -> Option<String> {
    node.parsed(0..=64, |text| {
        let is_ascii = text.bytes().all(|it| it == b' ' || it.is_ascii_graphic());
        let is_kept = is_ascii && !text.starts_with(' ');
        is_kept.then(|| text.to_string()).ok_or("expected visible ASCII, without a space in front")
    })
}

fn header_name(node: Node<'_>) -> Option<String> {
    node.parsed(1..=128, |text| usable(&text).map(|_| text.to_string()))
}

fn usable(name: &str) -> Result<HeaderName, &'static str> {
    let name: HeaderName = name.parse().map_err(|_| "this is not a header name")?;
    let is_ours = name.as_str().starts_with("rr-") || RESERVED.contains(&name.as_str());
    if is_ours { Err("the gateway itself sets this header") } else { Ok(name) }
}

fn parameter_name(node: Node<'_>) -> Option<String> {
    node.parsed(1..=128, |text| {
        let is_visible = text.bytes().all(|it| it.is_ascii_graphic());
        is_visible.then(|| text.to_string()).ok_or("expected visible ASCII characters")
    })
}

const MOST_HEADERS: usize = 20;
const DEFAULT_HEADER: &str = "X-API-Key";
const BEARER: &str = "Bearer ";

// Framing and hop-by-hop (RFC 9110 §7.6.1): a secret there would be lost or worse.
const RESERVED: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
