//! Tokens for the upstream that are fetched: OAuth 2.0, and endpoints of vendors' own.

use std::collections::HashSet;
use std::time::Duration;

use http::Method;
use rrauth::InvalidGrant;
use zeroize::Zeroizing;

use crate::control_plane::wire::auth::form::{Auth, BEARER, Read};
use crate::control_plane::wire::auth::names::{
    header_name, no_prefix, parameter_name, plaintext, prefix, url, usable, words,
};
use crate::control_plane::wire::auth::parts::{
    ClientAuth, CustomToken, Flow, OAuth2, Place, SaidOfRequest, Shown, TokenRequest,
};
use crate::control_plane::wire::auth::upstreams::MOST_HEADERS;
use crate::control_plane::wire::fields::{Fields, Node};
use crate::control_plane::wire::json::Said;
use crate::control_plane::wire::secret;
use crate::model::EgressPolicy;

pub(super) fn oauth2(fields: &mut Fields<'_>, egress: &EgressPolicy) -> Option<Read> {
    let flow = fields.required("flow", |it| it.word(&FLOWS));
    let secret = fields.optional("clientSecret", secret::client_secret);
    let refresh = fields.optional("refreshToken", secret::upstream_secret);
    let plaintext = plaintext(fields);
    let may_be_plain = plaintext.unwrap_or(true);
    let token_url = fields.required("tokenUrl", |it| url(it, may_be_plain, true, egress));
    let authorize_url = fields.optional("authorizeUrl", |it| url(it, may_be_plain, true, egress));
    let client_id = fields.required("clientId", |it| it.text(1..=256));
    let words_of_auth = [("basic", ClientAuth::Basic), ("post", ClientAuth::Post)];
    let client_auth = fields.or("clientAuth", ClientAuth::Basic, |it| it.word(&words_of_auth));
    let scopes = fields.or("scopes", Vec::new(), words);
    let audience = fields.optional("audience", |it| it.text(1..=512));
    let (flow, secret, refresh) = (flow?, secret?, refresh?);
    let sealed = match flow {
        Flow::ClientCredentials if refresh.is_some() => {
            return fields.flaw("refreshToken", "only flow authorization_code has one");
        }
        Flow::AuthorizationCode if secret.is_some() && refresh.is_none() => {
            return fields
                .flaw("refreshToken", "give it with the secret: they are sealed together");
        }
        Flow::ClientCredentials | Flow::AuthorizationCode => sealed(secret, refresh),
    };
    let client = OAuth2 {
        flow,
        token_url: token_url?,
        authorize_url: authorize_url?,
        client_id: client_id?,
        client_auth: client_auth?,
        scopes: scopes?,
        audience: audience?,
        allow_plaintext: plaintext?,
    };
    match usable_client(&client) {
        Ok(()) => Some((Auth::OAuth2(client), sealed)),
        Err(why) => fields.flaw(why.field(), why.to_string()),
    }
}

// As the data plane finds it, when it is too late to say so. With any secret: it has been read.
fn usable_client(it: &OAuth2) -> Result<(), InvalidGrant> {
    let mut client = rrauth::OAuth2::new(&*it.token_url, &*it.client_id)
        .secret("any")
        .scopes(&it.scopes)
        .allow_plaintext(it.allow_plaintext);
    if let Some(audience) = &it.audience {
        client = client.audience(audience);
    }
    client.client_credentials().map(drop)
}

fn sealed(
    secret: Option<Zeroizing<String>>,
    refresh: Option<Zeroizing<String>>,
) -> Option<Zeroizing<String>> {
    let both = [("clientSecret", secret), ("refreshToken", refresh)];
    let given: Vec<_> = both.into_iter().filter_map(|(name, it)| Some((name, it?))).collect();
    let members = given.iter().map(|(name, it)| (*name, it.as_str()));
    (!given.is_empty()).then(|| secret::table(members))
}

pub(super) fn custom_token(fields: &mut Fields<'_>, egress: &EgressPolicy) -> Option<Read> {
    let plaintext = plaintext(fields);
    let request = fields.required("request", |it| request(it, plaintext.unwrap_or(true), egress));
    let token_path = fields.required("tokenPath", path);
    let ttl = fields.optional("ttlSeconds", |it| it.integer(1..=MOST_SECONDS));
    let expires = fields.optional("expiresPath", path);
    let present = fields.or("present", Shown::by_default(), Shown::read);
    let (ttl_seconds, expires_path) = (ttl?, expires?);
    if ttl_seconds.is_some() == expires_path.is_some() {
        return fields.flaw("ttlSeconds", "give either this or expiresPath");
    }
    let (request, secret) = request?;
    let token = CustomToken {
        request,
        token_path: token_path?,
        ttl_seconds,
        expires_path,
        present: present?,
        allow_plaintext: plaintext?,
    };
    let url = (&*token.request.url, token.allow_plaintext);
    let whole = rrauth::CustomToken::new(Method::POST, url.0, &*token.token_path);
    match whole.allow_plaintext(url.1).grant() {
        Ok(_) => Some((Auth::CustomToken(token), secret)),
        Err(why) => fields.flaw(why.field(), why.to_string()),
    }
}

type Request = (TokenRequest, Option<Zeroizing<String>>);

fn request(node: Node<'_>, plaintext: bool, egress: &EgressPolicy) -> Option<Request> {
    let mut fields = node.object()?;
    let methods = [("GET", "GET"), ("POST", "POST"), ("PUT", "PUT")];
    let method = fields.or("method", "POST", |it| it.word(&methods));
    let url = fields.required("url", |it| url(it, plaintext, true, egress));
    let mut seen = HashSet::new();
    let said = SaidOfRequest { headers: fields.said("headers"), body: fields.said("body") };
    // `{}` says that there are none; what is left out may be in the vault.
    let headers = fields.or("headers", Vec::new(), |it| match it.is_empty_object() {
        true => Some(Vec::new()),
        false => it.table(MOST_HEADERS, |name, node| match usable(name) {
            Err(why) => node.flaw(why),
            Ok(header) => match seen.insert(header) {
                false => node.flaw("this header is named twice"),
                true => Some((name.to_owned(), secret::upstream_secret(node)?)),
            },
        }),
    });
    let body = fields.optional("body", body);
    fields.close();
    let (headers, body) = (headers?, body?);
    let names = headers.iter().map(|(name, _)| name.clone()).collect();
    let has_body = body.is_some();
    let named = headers.iter().map(|(name, it)| (format!("header:{name}"), it.as_str()));
    let all: Vec<_> = named.chain(body.iter().map(|it| ("body".to_owned(), it.as_str()))).collect();
    let secret = (said.headers == Said::Given || has_body)
        .then(|| secret::table(all.iter().map(|(name, it)| (name.as_str(), *it))));
    let (method, url) = (method?.to_owned(), url?);
    Some((TokenRequest { method, url, headers: names, has_body, said }, secret))
}

// Line breaks and all: it may be a document.
fn body(node: Node<'_>) -> Option<Zeroizing<String>> {
    let at = node.place();
    let body = node.content()?;
    let is_short = body.len() <= LONGEST_BODY;
    if is_short { Some(body) } else { at.flaw("expected up to 8192 bytes of text") }
}

impl Shown {
    fn by_default() -> Self {
        let (name, prefix) = ("Authorization".to_owned(), BEARER.to_owned());
        Self { place: Place::Header, name, prefix }
    }

    fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let places = [("header", Place::Header), ("query", Place::Query)];
        let place = fields.or("in", Place::Header, |it| it.word(&places));
        let (name, prefix) = match place? {
            Place::Header => (
                fields.or("name", "Authorization".to_owned(), header_name),
                fields.or("prefix", BEARER.to_owned(), prefix),
            ),
            Place::Query => {
                (fields.required("name", parameter_name), no_prefix(&mut fields, BEARER))
            }
        };
        fields.close();
        Some(Self { place: place?, name: name?, prefix: prefix? })
    }
}

fn path(node: Node<'_>) -> Option<String> {
    node.parsed(1..=512, |text| {
        // One that is right but for the path, perhaps.
        let url = "https://token.invalid";
        let token = rrauth::CustomToken::new(Method::GET, url, text.as_str());
        match token.ttl(Duration::from_secs(1)).grant() {
            Ok(_) => Ok(text.to_string()),
            Err(why) => Err(why.to_string()),
        }
    })
}

const FLOWS: [(&str, Flow); 2] = [
    ("client_credentials", Flow::ClientCredentials),
    ("authorization_code", Flow::AuthorizationCode),
];
const LONGEST_BODY: usize = 8 * 1024;
// A year.
const MOST_SECONDS: u64 = 366 * 24 * 3_600;
