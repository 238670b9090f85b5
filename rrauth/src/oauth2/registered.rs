//! How a registered client asks the token endpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use zeroize::Zeroizing;

use crate::oauth2::form;
use crate::oauth2::invalid::InvalidGrant;

/// How a client shows its secret to the token endpoint (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// In `Authorization`, as `Basic`: what every server understands.
    Basic,
    /// In the body, for servers that understand nothing else.
    Post,
}

/// What can be sent to the token endpoint, checked.
pub(crate) struct Registered {
    pub(crate) token_url: Uri,
    pub(crate) client_id: String,
    pub(crate) authentication: Authentication,
    pub(crate) scope: String,
    pub(crate) audience: Option<String>,
}

/// How it shows who it is, written once.
pub(crate) struct Authentication {
    header: Option<HeaderValue>,
    in_body: Vec<(&'static str, Zeroizing<String>)>,
}

impl Registered {
    /// Asks the token endpoint for what `pairs` say.
    pub(crate) fn request<'a>(&'a self, pairs: &[(&'a str, &'a str)]) -> Request<Bytes> {
        let own = self.authentication.in_body.iter().map(|(name, value)| (*name, value.as_str()));
        let body = form::form(pairs.iter().copied().chain(own));
        let mut request = Request::new(Bytes::from_owner(form::Wiped(body)));
        *request.method_mut() = Method::POST;
        request.uri_mut().clone_from(&self.token_url);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, FORM);
        headers.insert(ACCEPT, JSON);
        if let Some(authorization) = &self.authentication.header {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        request
    }

    pub(crate) fn host(&self) -> String {
        self.token_url.host().unwrap_or_default().to_owned()
    }
}

impl Authentication {
    /// A public client, without a secret, only says its name.
    pub(crate) fn new(
        id: &str,
        secret: Option<&str>,
        auth: ClientAuth,
    ) -> Result<Self, InvalidGrant> {
        let own = |text: &str| Zeroizing::new(text.to_owned());
        let name = ("client_id", own(id));
        Ok(match (secret, auth) {
            (Some(secret), ClientAuth::Basic) => {
                Self { header: Some(basic(id, secret)?), in_body: Vec::new() }
            }
            (Some(secret), ClientAuth::Post) => {
                Self { header: None, in_body: vec![name, ("client_secret", own(secret))] }
            }
            (None, ClientAuth::Basic | ClientAuth::Post) => {
                Self { header: None, in_body: vec![name] }
            }
        })
    }
}

// Both are form-encoded before they are joined: RFC 6749 §2.3.1 is not RFC 7617 here.
fn basic(id: &str, secret: &str) -> Result<HeaderValue, InvalidGrant> {
    let (id, secret) = (form::encoded(id), form::encoded(secret));
    let pair = Zeroizing::new(format!("{}:{}", *id, *secret));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    let line = Zeroizing::new(format!("Basic {}", *encoded));
    let mut value = HeaderValue::from_str(&line)
        .map_err(|_| InvalidGrant::new("clientSecret", "it cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
