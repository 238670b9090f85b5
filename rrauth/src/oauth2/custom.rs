//! Tokens from endpoints that follow no standard.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use rrcore::Now;
use rrcore::json::{Segment, SingularPath};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::oauth2::answer;
use crate::oauth2::document;
use crate::oauth2::endpoint;
use crate::oauth2::form::Wiped;
use crate::oauth2::grant::{Grant, Obtain, Obtained};
use crate::oauth2::invalid::InvalidGrant;
use crate::oauth2::schedule;

/// Any request that is answered with a token somewhere in a JSON object.
///
/// ```
/// use std::time::Duration;
///
/// use http::{HeaderName, Method};
/// use rrauth::CustomToken;
///
/// let grant = CustomToken::new(Method::POST, "https://api.example.com/login", "$.session.id")
///     .header("content-type", "application/json")
///     .body(r#"{"user": "gw", "password": "s3cret"}"#)
///     .expires_path("$.session.validFor")
///     .grant()?;
///
/// let error = CustomToken::new(Method::GET, "https://api.example.com", "$..id").grant();
/// assert_eq!(error.unwrap_err().to_string(), "tokenPath: at 1: this may find several values");
/// # Ok::<(), rrauth::InvalidGrant>(())
/// ```
#[must_use]
pub struct CustomToken {
    method: Method,
    url: Zeroizing<String>,
    headers: Vec<(String, Zeroizing<String>)>,
    body: Zeroizing<String>,
    token_path: String,
    expires_path: Option<String>,
    ttl: Option<Duration>,
    plaintext: bool,
}

impl CustomToken {
    /// The token at `token_path` (a JSONPath that finds one value) in what `url` answers. The URL may
    /// hold secrets, such as a key in its query.
    pub fn new(method: Method, url: impl Into<String>, token_path: impl Into<String>) -> Self {
        Self {
            method,
            url: Zeroizing::new(url.into()),
            headers: Vec::new(),
            body: Zeroizing::default(),
            token_path: token_path.into(),
            expires_path: None,
            ttl: None,
            plaintext: false,
        }
    }

    /// Sends a header along, whose value may be a secret.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Zeroizing::new(value.into())));
        self
    }

    /// Sends a body along, which may hold secrets.
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Zeroizing::new(body.into());
        self
    }

    /// How long tokens live, where the answer does not say.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Where the answer says how long the token lives: a number, or the text of one. Below 10⁹ it
    /// is seconds from now; from there on a Unix time in seconds, and from 10¹¹ in milliseconds.
    pub fn expires_path(mut self, path: impl Into<String>) -> Self {
        self.expires_path = Some(path.into());
        self
    }

    /// Allows plain http, where the network is known to be safe.
    pub const fn allow_plaintext(mut self, allowed: bool) -> Self {
        self.plaintext = allowed;
        self
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// When the URL is not https and plain http not allowed, when a path may find several values or does
    /// not begin with a member, when a header cannot be sent or belongs to the connection, or when the
    /// time to live is zero.
    pub fn grant(self) -> Result<Grant, InvalidGrant> {
        let url = endpoint::parse("request", &self.url, self.plaintext)?;
        let path = |field, text: &str| {
            let path = text.parse::<SingularPath>();
            let path = path.map_err(|it| InvalidGrant::new(field, it.to_string()))?;
            match path.segments().first() {
                Some(Segment::Name(_)) => Ok(path),
                Some(Segment::Index(_)) | None => Err(InvalidGrant::new(field, NO_MEMBER)),
            }
        };
        let token = path("tokenPath", &self.token_path)?;
        let expires = self.expires_path.as_deref();
        let expires = expires.map(|it| path("expiresPath", it)).transpose()?;
        if self.ttl.is_some_and(|it| it.is_zero()) {
            return Err(InvalidGrant::new("ttl", "it is zero"));
        }
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            headers.push(line(name, value)?);
        }
        let host = url.host().unwrap_or_default().to_owned();
        let body = Bytes::from_owner(Wiped(self.body));
        let (method, ttl) = (self.method, self.ttl);
        Ok(Grant::new(&host, Custom { method, url, headers, body, token, expires, ttl }))
    }
}

struct Custom {
    method: Method,
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    token: SingularPath,
    expires: Option<SingularPath>,
    ttl: Option<Duration>,
}

impl Obtain for Custom {
    fn request(&self) -> Request<Bytes> {
        let mut request = Request::new(self.body.clone());
        request.method_mut().clone_from(&self.method);
        request.uri_mut().clone_from(&self.url);
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        request
    }

    fn read(&self, answer: &Response<Bytes>, asked: Now) -> Result<Obtained, String> {
        let members = answer::object(answer)?;
        let token = find(&members, &self.token).ok_or("there is nothing at tokenPath")?;
        let token = answer::token(token)?;
        let life = match &self.expires {
            None => self.ttl,
            Some(path) => match find(&members, path) {
                Some(value) => Some(life(value, asked.wall)?),
                None => Some(self.ttl.ok_or("there is nothing at expiresPath")?),
            },
        };
        Ok(Obtained { token, life })
    }
}

// No token lives for 10⁹ s (31 years), and no Unix time of today is below that.
fn life(value: &Value, wall: Duration) -> Result<Duration, String> {
    let number = document::number(value).ok_or("what is at expiresPath is not a number")?;
    let seconds = match number {
        it if it < 1e9 => it,
        it if it < 1e11 => it - wall.as_secs_f64(),
        it => it / 1e3 - wall.as_secs_f64(),
    };
    schedule::life(seconds).ok_or_else(|| "the token has expired already".to_owned())
}

fn find<'a>(members: &'a Map<String, Value>, path: &SingularPath) -> Option<&'a Value> {
    let (first, rest) = path.segments().split_first()?;
    let first = match first {
        Segment::Name(name) => members.get(&**name)?,
        Segment::Index(_) => return None,
    };
    rest.iter().try_fold(first, |value, segment| match segment {
        Segment::Name(name) => value.get(&**name),
        Segment::Index(index) => value.get(usize::try_from(*index).ok()?),
    })
}

fn line(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), InvalidGrant> {
    let invalid =
        |problem: &str| InvalidGrant::new("request", format!("header {name:?}: {problem}"));
    let name: HeaderName = name.parse().map_err(|_| invalid("it is not a header name"))?;
    // They would change where the message ends or goes.
    if [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION]
        .contains(&name)
    {
        return Err(invalid("it belongs to the connection"));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| invalid("it cannot be sent"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

// Nothing else is ever found.
const NO_MEMBER: &str = "what is answered is an object: begin with one of its members, as in $.a";

impl fmt::Debug for CustomToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomToken").field("method", &self.method).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_expires_is_a_lifetime_or_a_time() {
        let body = |expires: &str| format!(r#"{{"a":["t"],"e":{{"x":{expires}}}}}"#);
        check(&body("60"), Ok(60));
        check(&body("\"60\""), Ok(60));
        check(&body("1700000100"), Ok(100));
        check(&body("1700000100000"), Ok(100));
        check(&body("1699999999"), Err("expired already"));
        check(&body("-1"), Err("expired already"));
        check(&body("\"2023-11-14T22:13:20Z\""), Err("not a number"));
        check(r#"{"a":["t"]}"#, Err("nothing at expiresPath"));
        check(r#"{"a":"t","e":{"x":1}}"#, Err("nothing at tokenPath"));
        check(r#"{"a":[{"t":1}],"e":{"x":1}}"#, Err("not a text"));
        check(r#"{"a":["t"],"a":["u"],"e":{"x":1}}"#, Err("repeated"));
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_secret() {
        let custom = |url: &str| CustomToken::new(Method::GET, url, "$.t");
        let good = "https://a.test/?key=canary";
        check_invalid(custom("http://a.test/?key=canary"), "request: it is plain http");
        check_invalid(custom(good).header("x-a", "canary\r\n"), "cannot be sent");
        check_invalid(custom(good).header("host", "canary"), "belongs to the connection");
        check_invalid(custom(good).header("a b", "canary"), "not a header name");
        check_invalid(custom(good).expires_path("$.*"), "expiresPath: at ");
        check_invalid(custom(good).ttl(Duration::ZERO), "ttl: ");
        check_invalid(CustomToken::new(Method::GET, good, "t"), "tokenPath: at ");
        check_invalid(CustomToken::new(Method::GET, good, "$"), "tokenPath: what is answered is");
        check_invalid(custom(good).expires_path("$[0]"), "expiresPath: what is answered is");
    }

    #[track_caller]
    fn check(body: &str, expected: Result<u64, &str>) {
        let custom = CustomToken::new(Method::GET, "https://a.test/", "$.a[0]");
        let grant = custom.expires_path("$.e.x").grant().unwrap();
        let now = Now { monotonic: Duration::ZERO, wall: Duration::from_secs(1_700_000_000) };
        let answer = Response::new(Bytes::from(body.to_owned()));
        match (grant.obtain.read(&answer, now), expected) {
            (Ok(obtained), Ok(seconds)) => {
                assert_eq!(obtained.life, Some(Duration::from_secs(seconds)), "{body}");
                assert_eq!(obtained.token.text(), "t");
            }
            (Err(error), Err(why)) => assert!(error.contains(why), "{error}"),
            (got, expected) => panic!("{got:?} {expected:?}"),
        }
    }

    #[track_caller]
    fn check_invalid(custom: CustomToken, why: &str) {
        let printed = format!("{custom:?}");
        let error = custom.grant().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(!error.contains("canary") && !printed.contains("canary"), "{error} {printed}");
    }
}
