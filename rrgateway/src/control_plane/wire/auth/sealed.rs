//! What a change says of secrets that the vault has as one: nobody here can read them, so that a
//! change names all of them, or none.

use crate::control_plane::wire::auth::form::Auth;
use crate::control_plane::wire::auth::parts::{
    Flow, JwtVerify, OAuth2, SaidOfRequest, TokenRequest,
};
use crate::control_plane::wire::fields::{Flaw, pointer_to};
use crate::control_plane::wire::json::{Json, Said};

impl Auth {
    /// Whether `change` (a member `auth` as of RFC 7396, also of a rotation) keeps the secret of this
    /// whole or replaces it whole.
    ///
    /// # Errors
    /// Where something more must be said: that would be lost.
    pub(crate) fn takes(&self, change: &Json) -> Result<(), Vec<Flaw>> {
        // With a type, all of `auth` is given anew.
        if let Some(kind) = change.member("type") {
            return self.stays_whole(kind, change);
        }
        let flaws = match self {
            Self::ApiKey { .. } | Self::Hmac(_) => only(change, "key"),
            Self::Bearer { .. } | Self::Jwt { .. } => only(change, "token"),
            Self::Basic { .. } => only(change, "password"),
            Self::Introspection(_) => only(change, "clientSecret"),
            Self::JwtVerify(it) => shared_secret(it, change),
            Self::OAuth2(it) => client(it, change),
            Self::CustomToken(it) => token_request(&it.request, change.member("request")),
            Self::AwsSigV4(_) => aws(change),
            Self::Custom { headers } => custom(headers, change),
            Self::Mtls { .. } | Self::None {} => Vec::new(),
        };
        none(flaws)
    }

    // As `yields_to`, but null is still there to be read.
    fn stays_whole(&self, kind: &Json, change: &Json) -> Result<(), Vec<Flaw>> {
        match (self, kind, change.member("request")) {
            (Self::CustomToken(old), Json::Text(kind), Some(new))
                if kind.as_str() == "customToken" =>
            {
                none(together(&old.request, SaidOfRequest::of(new)))
            }
            _ => Ok(()),
        }
    }

    /// Whether `new`, which takes the place of this, keeps the secret of this whole or replaces it
    /// whole.
    ///
    /// # Errors
    /// Where something more must be said: it is known to be in the vault, and would be lost.
    pub(crate) fn yields_to(&self, new: &Self) -> Result<(), Vec<Flaw>> {
        match (self, new) {
            (Self::CustomToken(old), Self::CustomToken(new)) => {
                none(together(&old.request, new.request.said))
            }
            _ => Ok(()),
        }
    }

    /// Notes that [`Auth::takes`] has judged what this was made with: there, null was still to be
    /// read.
    pub(crate) fn judged(&mut self) {
        if let Self::CustomToken(it) = self {
            it.request.said = SaidOfRequest { headers: Said::Given, body: Said::Given };
        }
    }
}

impl SaidOfRequest {
    fn of(request: &Json) -> Self {
        Self { headers: said(request, "headers"), body: said(request, "body") }
    }
}

fn none(flaws: Vec<Flaw>) -> Result<(), Vec<Flaw>> {
    if flaws.is_empty() { Ok(()) } else { Err(flaws) }
}

fn said(change: &Json, name: &str) -> Said {
    Said::of(change.member(name))
}

fn only(change: &Json, name: &str) -> Vec<Flaw> {
    match said(change, name) {
        Said::Removed => vec![flaw(name, REQUIRED)],
        Said::Nothing | Said::Given => Vec::new(),
    }
}

fn shared_secret(old: &JwtVerify, change: &Json) -> Vec<Flaw> {
    let has_keys = ["jwksUri", "jwks"].iter().any(|it| said(change, it) == Said::Given);
    // What has keys of another kind has no secret to lose.
    match old.secret_pointer() {
        Some(_) if !has_keys => only(change, "sharedSecret"),
        Some(_) | None => Vec::new(),
    }
}

fn client(old: &OAuth2, change: &Json) -> Vec<Flaw> {
    let refreshes = match change.member("flow") {
        Some(Json::Text(flow)) => flow.as_str() == "authorization_code",
        _ => old.flow == Flow::AuthorizationCode,
    };
    if !refreshes {
        return only(change, "clientSecret");
    }
    match (said(change, "clientSecret"), said(change, "refreshToken")) {
        (_, Said::Removed) => vec![flaw("refreshToken", REQUIRED)],
        (Said::Removed | Said::Given, Said::Nothing) => {
            vec![flaw("refreshToken", "give it with the secret: they are sealed together")]
        }
        (Said::Nothing, Said::Given) => {
            let why = "give it with the refresh token, or null where the client has none: they are \
                       sealed together";
            vec![flaw("clientSecret", why)]
        }
        (Said::Nothing, Said::Nothing) | (Said::Removed | Said::Given, Said::Given) => Vec::new(),
    }
}

fn aws(change: &Json) -> Vec<Flaw> {
    match (said(change, "secretAccessKey"), said(change, "sessionToken")) {
        (Said::Removed, _) => vec![flaw("secretAccessKey", REQUIRED)],
        (Said::Nothing, Said::Removed | Said::Given) => {
            let why = "give it with what you say of the token: they are sealed together";
            vec![flaw("secretAccessKey", why)]
        }
        (Said::Given, Said::Nothing) => {
            let why =
                "give it with the key, or null where the key has none: they are sealed together";
            vec![flaw("sessionToken", why)]
        }
        (Said::Nothing, Said::Nothing) | (Said::Given, Said::Removed | Said::Given) => Vec::new(),
    }
}

fn custom(old: &[String], change: &Json) -> Vec<Flaw> {
    match change.member("headers") {
        Some(headers @ Json::Object(_)) => unnamed("/auth/headers", old, headers),
        Some(Json::Null) => vec![flaw("headers", REQUIRED)],
        // What is no object is for the reader to refuse.
        _ => Vec::new(),
    }
}

fn token_request(old: &TokenRequest, change: Option<&Json>) -> Vec<Flaw> {
    let Some(change) = change else { return Vec::new() };
    let mut flaws = match change.member("headers") {
        Some(headers @ Json::Object(_)) => unnamed(REQUEST_HEADERS, &old.headers, headers),
        _ => Vec::new(),
    };
    flaws.extend(together(old, SaidOfRequest::of(change)));
    flaws
}

// What is missing of the headers and the body where something is said of one of them.
fn together(old: &TokenRequest, said: SaidOfRequest) -> Vec<Flaw> {
    let SaidOfRequest { headers, body } = said;
    if (headers, body) == (Said::Nothing, Said::Nothing) {
        return Vec::new();
    }
    let mut flaws = Vec::new();
    if headers == Said::Nothing {
        flaws = unnamed(REQUEST_HEADERS, &old.headers, &Json::Object(Vec::new()));
    }
    if old.has_body && body == Said::Nothing {
        let why = "give it with the headers, or null to send none: they are sealed together";
        flaws.push(Flaw::new("/auth/request/body", why));
    }
    let has_some = old.has_body || !old.headers.is_empty();
    if flaws.is_empty() && has_some && headers != Said::Given && body != Said::Given {
        // Nothing said is nothing changed: it has to be said that nothing is what is left.
        let why = "to send neither headers nor a body, name each header with null, or give {} \
                   where there are none";
        flaws.push(Flaw::new(REQUEST_HEADERS, why));
    }
    flaws
}

// The headers of `old` of which `change` says nothing.
fn unnamed(place: &str, old: &[String], change: &Json) -> Vec<Flaw> {
    let Json::Object(members) = change else { return Vec::new() };
    let is_named = |name: &str| members.iter().any(|(it, _)| it.eq_ignore_ascii_case(name));
    let why = "give it too, or null to send it no more: all of these are sealed together";
    let missing = old.iter().filter(|it| !is_named(it));
    missing.map(|it| Flaw::new(pointer_to(place, it), why)).collect()
}

fn flaw(name: &str, why: &str) -> Flaw {
    Flaw::new(pointer_to("/auth", name), why)
}

const REQUEST_HEADERS: &str = "/auth/request/headers";
const REQUIRED: &str = "this is required: it can be replaced, and not be taken away";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::auth::form::Kind;
    use crate::control_plane::wire::fields::{Flaws, Node};
    use crate::model::EgressPolicy;

    #[test]
    fn what_is_required_is_not_taken_away() {
        let key = r#"{"type":"apiKey","key":"canary-canary-canary-canary"}"#;
        for kind in [Kind::Proxy, Kind::Target] {
            check(kind, key, r#"{"key":null}"#, "/auth/key");
            check(kind, key, r#"{"key":"canary","name":null}"#, "");
        }
        let basic = r#"{"type":"basicAuth","username":"a","password":"canary-canary"}"#;
        check(Kind::Proxy, basic, r#"{"password":null}"#, "/auth/password");
        check(Kind::Target, basic, r#"{"password":null,"username":"b"}"#, "/auth/password");
        check(Kind::Target, basic, r#"{"password":"","username":"b"}"#, "");
        // That is another document, in which the secret is left out.
        check(Kind::Target, basic, r#"{"type":"basicAuth","password":null}"#, "");
        let bearer = r#"{"type":"bearer","token":"canary-canary-canary-canary"}"#;
        check(Kind::Target, bearer, r#"{"token":null}"#, "/auth/token");
        check(Kind::Target, bearer, r#"[null]"#, "");
        let hmac = r#"{"type":"hmac","keyId":"k","key":"canary-canary-canary"}"#;
        check(Kind::Target, hmac, r#"{"key":null}"#, "/auth/key");
        let shared = r#"{"type":"jwtVerify","issuer":"i","algorithms":["HS256"],
            "sharedSecret":"canary-canary-canary-canary-canary"}"#;
        check(Kind::Proxy, shared, r#"{"sharedSecret":null}"#, "/auth/sharedSecret");
        check(Kind::Proxy, shared, r#"{"sharedSecret":null,"jwksUri":"https://i.example/k"}"#, "");
        check(Kind::Proxy, shared, r#"{"sharedSecret":null,"jwks":null}"#, "/auth/sharedSecret");
        let none = r#"{"type":"none"}"#;
        check(Kind::Target, none, r#"{"key":null}"#, "");
    }

    #[test]
    fn secrets_of_a_client_and_of_aws_are_changed_together() {
        let client = r#"{"type":"oauth2","flow":"client_credentials","clientId":"c",
            "tokenUrl":"https://a.example/t","clientSecret":"canary"}"#;
        check(Kind::Target, client, r#"{"clientSecret":null}"#, "/auth/clientSecret");
        check(Kind::Target, client, r#"{"clientSecret":"canary","scopes":[]}"#, "");
        let code = r#""flow":"authorization_code","refreshToken":"canary""#;
        check(Kind::Target, client, &format!("{{{code}}}"), "/auth/clientSecret");
        let refreshed = format!(
            r#"{{"type":"oauth2",{code},"clientId":"c","tokenUrl":"https://a.example/t"}}"#
        );
        for (change, expected) in [
            (r#"{"scopes":["a"]}"#, ""),
            (r#"{"clientSecret":"canary"}"#, "/auth/refreshToken"),
            (r#"{"clientSecret":null}"#, "/auth/refreshToken"),
            (r#"{"refreshToken":"canary"}"#, "/auth/clientSecret"),
            (r#"{"refreshToken":null,"clientSecret":"canary"}"#, "/auth/refreshToken"),
            (r#"{"refreshToken":"canary","clientSecret":null}"#, ""),
            (r#"{"refreshToken":"canary","clientSecret":"canary"}"#, ""),
        ] {
            check(Kind::Target, &refreshed, change, expected);
        }
        let aws = r#"{"type":"awsSigV4","accessKeyId":"A","service":"s3","awsRegion":"r",
            "secretAccessKey":"canary","sessionToken":"canary"}"#;
        for (change, expected) in [
            (r#"{"awsRegion":"s"}"#, ""),
            (r#"{"secretAccessKey":"canary"}"#, "/auth/sessionToken"),
            (r#"{"secretAccessKey":null}"#, "/auth/secretAccessKey"),
            (r#"{"sessionToken":null}"#, "/auth/secretAccessKey"),
            (r#"{"sessionToken":"canary"}"#, "/auth/secretAccessKey"),
            (r#"{"secretAccessKey":"canary","sessionToken":null}"#, ""),
            (r#"{"secretAccessKey":"canary","sessionToken":"canary"}"#, ""),
        ] {
            check(Kind::Target, aws, change, expected);
        }
    }

    #[test]
    fn of_headers_all_are_named_or_none() {
        let custom = r#"{"type":"custom","headers":{"X-App-Id":"canary","X-App-Key":"canary"}}"#;
        for (change, expected) in [
            ("{}", ""),
            (r#"{"headers":{"X-App-Key":"canary"}}"#, "/auth/headers/X-App-Id"),
            (r#"{"headers":{"X-App-Key":null}}"#, "/auth/headers/X-App-Id"),
            (r#"{"headers":{"X-New":"canary","X-App-Id":"canary"}}"#, "/auth/headers/X-App-Key"),
            (r#"{"headers":{}}"#, "/auth/headers/X-App-Id /auth/headers/X-App-Key"),
            (r#"{"headers":null}"#, "/auth/headers"),
            (r#"{"headers":["X-App-Id"]}"#, ""),
            (r#"{"headers":{"x-app-id":"canary","X-APP-KEY":null}}"#, ""),
            (r#"{"headers":{"X-App-Id":"canary","X-App-Key":"canary","X-New":"canary"}}"#, ""),
        ] {
            check(Kind::Target, custom, change, expected);
        }
    }

    #[test]
    fn headers_and_body_of_a_token_request_are_changed_together() {
        let with = |secrets: &str| {
            format!(
                r#"{{"type":"customToken","tokenPath":"$.t","ttlSeconds":60,
                    "request":{{"url":"https://a.example/t"{secrets}}}}}"#
            )
        };
        let both = with(r#","headers":{"X-A":"canary","X-B":"canary"},"body":"canary""#);
        for (change, expected) in [
            (r#"{"url":"https://a.example/u"}"#, ""),
            (r#"{"body":"canary"}"#, "/auth/request/headers/X-A /auth/request/headers/X-B"),
            (r#"{"headers":{"X-A":"canary","X-B":"canary"}}"#, "/auth/request/body"),
            (r#"{"headers":{"x-a":"canary"}}"#, "/auth/request/headers/X-B /auth/request/body"),
            (r#"{"headers":null}"#, "/auth/request/body"),
            (r#"{"headers":null,"body":"canary"}"#, ""),
            (r#"{"headers":{"X-A":"canary","X-B":null},"body":null}"#, ""),
            (r#"{"headers":{"X-A":null,"X-B":null},"body":null}"#, ""),
            (r#"{"headers":null,"body":null}"#, "/auth/request/headers"),
        ] {
            check(Kind::Target, &both, &format!(r#"{{"request":{change}}}"#), expected);
        }
        let body = with(r#","body":"canary""#);
        check(Kind::Target, &body, r#"{"request":{"body":"canary"}}"#, "");
        check(Kind::Target, &body, r#"{"request":{"body":null}}"#, "/auth/request/headers");
        check(Kind::Target, &body, r#"{"request":{"body":null,"headers":{}}}"#, "");
        let header = with(r#","headers":{"X-A":"canary"}"#);
        check(Kind::Target, &header, r#"{"request":{"headers":{"X-A":"canary"}}}"#, "");
        check(Kind::Target, &header, r#"{"tokenPath":"$.u"}"#, "");
    }

    /// Which pointers a change of `old` is told.
    #[track_caller]
    fn check(kind: Kind, old: &str, change: &str, expected: &str) {
        let json = |it: &str| Json::parse(it.as_bytes()).unwrap();
        let egress = EgressPolicy::default();
        let read = |it: Node<'_>| Auth::read(it, kind, &egress);
        let (old, _) = Flaws::read(json(old), read).unwrap();
        let flaws = old.takes(&json(change)).err().unwrap_or_default();
        let said: Vec<_> = flaws.iter().map(|it| it.pointer.as_str()).collect();
        assert_eq!(said.join(" "), expected, "{change}");
        assert!(!format!("{flaws:?}").contains("canary"));
    }
}
