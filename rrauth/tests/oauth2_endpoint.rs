//! Token endpoints as they are met: over real sockets, well-behaved and not.
#![cfg(test)] // tells clippy that this may panic

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rrauth::{
    ClientAuth, CustomToken, Grant, HttpClient, InvalidGrant, OAuth2, PkceVerifier, ServiceClient,
    Token, TokenSource, Tokens,
};
use rrcore::ManualClock;
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_first_uses_are_one_request() {
    let server = Server::start(|_| ok(&issued("t1", ""))).await;
    let source = TokenSource::new(server.grant(), client());
    let waiting: Vec<_> = (0..1_000)
        .map(|_| {
            let source = source.clone();
            tokio::spawn(async move { source.fetch().await })
        })
        .collect();
    for token in waiting {
        assert_eq!(text(&token.await.unwrap().unwrap()), "t1");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_none_issues_nothing_and_keeps_the_token_that_is_held() {
    let html = || response(200, "<html>canary</html>");
    check_broken(|_| response(500, "canary"), "it answered 500").await;
    check_broken(|_| response(400, r#"{"error":"invalid_scope"}"#), "400 invalid_scope").await;
    check_broken(|_| response(400, r#"{"error":"canary"}"#), "it answered 400").await;
    check_broken(move |_| html(), "not a JSON object").await;
    check_broken(|_| ok(&issued("canary\\r\\nx: y", "")), "not visible ASCII").await;
    check_broken(|_| ok(r#"{"access_token":"canary","token_type":"mac"}"#), "not bearer").await;
    check_broken(|_| ok(&issued("canary", r#","expires_in":-1"#)), "expired already").await;
    check_broken(|_| ok(&issued("canary", r#","expires_in":"soon""#)), "not a number").await;
    check_broken(|_| ok(&issued("canary", r#","access_token":"b""#)), "repeated").await;
    check_broken(|_| ok(&"x".repeat(10 << 20)), "cannot be read").await;
}

#[tokio::test]
async fn lives_are_as_said_or_five_minutes() {
    check_life("", 300).await;
    check_life(r#","expires_in":3600"#, 3_600).await;
    check_life(r#","expires_in":"3600""#, 3_600).await;
    check_life(r#","expires_in":9223372036854775808"#, 86_400).await;
}

#[tokio::test]
async fn a_redirection_is_a_failure_and_the_thief_hears_nothing() {
    let thief = Server::start(|_| ok(&issued("stolen", ""))).await;
    let there = thief.url();
    check_broken(
        move |_| {
            let mut redirect = response(307, "");
            redirect.headers_mut().insert(header::LOCATION, there.parse().unwrap());
            redirect
        },
        "it answered 307",
    )
    .await;
    assert!(thief.seen().is_empty());
}

// Time goes on by itself when nothing else happens.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_stalls_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let source = TokenSource::new(grant(&url).unwrap(), client());
    let error = source.fetch().await.unwrap_err().to_string();
    let known =
        ["waited too long for a token", "token endpoint 127.0.0.1: it did not answer in time"];
    assert!(known.contains(&error.as_str()), "{error}");
}

#[tokio::test]
async fn nobody_at_home_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    drop(listener);
    let source = TokenSource::new(grant(&url).unwrap(), client());
    let error = source.fetch().await.unwrap_err().to_string();
    assert!(error.starts_with("token endpoint 127.0.0.1: no answer"), "{error}");
}

#[tokio::test]
async fn id_and_secret_are_form_encoded_before_they_are_joined() {
    let server = Server::start(|_| ok(&issued("t", ""))).await;
    let client = || server.client("client:%+&").secret("s3c:r%e+t& ");
    let seen = server.fetch(client().client_credentials()).await;
    let line = seen.headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
    let pair = STANDARD.decode(line.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(pair, b"client%3A%25%2B%26:s3c%3Ar%25e%2Bt%26+");
    assert_eq!(seen.body, "grant_type=client_credentials");
    assert_eq!(seen.headers[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(seen.headers[header::ACCEPT], "application/json");

    let post = client().client_auth(ClientAuth::Post).scopes(["a", "b:c"]).audience("https://x/");
    let seen = server.fetch(post.client_credentials()).await;
    assert!(!seen.headers.contains_key(header::AUTHORIZATION));
    assert_eq!(
        seen.body,
        "grant_type=client_credentials&scope=a+b%3Ac&audience=https%3A%2F%2Fx%2F\
         &client_id=client%3A%25%2B%26&client_secret=s3c%3Ar%25e%2Bt%26+"
    );
}

#[tokio::test]
async fn sources_of_two_credentials_never_share_a_token() {
    let server = Server::start(|seen| ok(&issued(&STANDARD.encode(&seen.body), ""))).await;
    let variants: [fn(OAuth2) -> OAuth2; 5] = [
        |it| it,
        |it| it.scopes(["a", "b"]),
        |it| it.scopes(["b", "a"]),
        |it| it.audience("a"),
        |it| it.scopes(["a"]).audience("b"),
    ];
    let http = client();
    let mut tokens = Vec::new();
    for variant in variants {
        let grant = variant(server.client("c").secret("s")).client_credentials().unwrap();
        tokens.push(text(&TokenSource::new(grant, Arc::clone(&http)).fetch().await.unwrap()));
    }
    let distinct: std::collections::HashSet<_> = tokens.iter().collect();
    assert_eq!(distinct.len(), tokens.len());
    assert_eq!(server.seen().len(), tokens.len());
}

#[tokio::test]
async fn a_code_is_exchanged_with_its_proof() {
    let more = r#","expires_in":60,"refresh_token":"r1","scope":"read""#;
    let server = Server::start(move |_| ok(&issued("t1", more))).await;
    let flow = server.client("c").secret("s").scopes(["read", "write"]);
    let flow = flow.authorization_code("https://auth.test/authorize?tenant=7").unwrap();
    let back = "https://gw.test/callback?x=1";
    let (url, verifier) = flow.authorize_url("st&te", back).unwrap();
    assert!(url.starts_with("https://auth.test/authorize?tenant=7&response_type=code&"), "{url}");
    let pairs: HashMap<_, _> = url.split(['?', '&']).filter_map(|it| it.split_once('=')).collect();
    assert_eq!((pairs["state"], pairs["scope"]), ("st%26te", "read+write"));
    assert_eq!(pairs["redirect_uri"], "https%3A%2F%2Fgw.test%2Fcallback%3Fx%3D1");
    assert_eq!((pairs["code_challenge_method"], pairs["code_challenge"].len()), ("S256", 43));
    assert!(!url.contains(verifier.expose()));

    let kept = PkceVerifier::from_text(verifier.expose()).unwrap();
    let granted = flow.exchange(&*client(), "c&de", &kept, back).await.unwrap();
    assert_eq!(text(&granted.access), "t1");
    assert_eq!(granted.life, Some(Duration::from_secs(60)));
    assert_eq!(granted.refresh.as_ref().unwrap().expose(), "r1");
    assert_eq!(granted.scope.as_deref(), Some("read"));
    assert!(!format!("{granted:?} {flow:?} {kept:?}").contains("r1"));
    let expected = format!(
        "grant_type=authorization_code&code=c%26de\
         &redirect_uri=https%3A%2F%2Fgw.test%2Fcallback%3Fx%3D1&code_verifier={}",
        verifier.expose()
    );
    assert_eq!(server.seen()[0].body, expected);
}

#[tokio::test]
async fn a_code_that_is_not_taken_is_an_error_that_says_no_more_than_it_should() {
    let server =
        Server::start(|_| response(400, r#"{"error":"invalid_grant","x":"canary"}"#)).await;
    let flow = server.client("c").authorization_code("https://auth.test/").unwrap();
    let (_, verifier) = flow.authorize_url("s", "http://127.0.0.1:8080/back").unwrap();
    let error = flow.exchange(&*client(), "canary", &verifier, "https://gw.test/").await;
    let expected = "token endpoint 127.0.0.1: it answered 400 invalid_grant";
    assert_eq!(error.unwrap_err().to_string(), expected);
    for (state, back, field) in
        [("", "https://gw.test/", "state"), ("s", "ftp://gw.test/", "redirectUri")]
    {
        assert_eq!(flow.authorize_url(state, back).unwrap_err().field(), field);
    }
}

#[tokio::test]
async fn a_custom_token_is_found_where_it_is() {
    let server = Server::start(|_| ok(r#"{"data":[{"id":"t1"}],"for":"90"}"#)).await;
    let hand = ManualClock::starting_at(Duration::from_secs(1_700_000_000));
    let custom = CustomToken::new(Method::PUT, server.url(), "$.data[0].id");
    let custom = custom.header("x-user", "gw").body("p4ss").expires_path("$['for']");
    let grant = custom.allow_plaintext(true).grant().unwrap();
    let source = TokenSource::builder(grant, client()).clock(hand.clock()).build();
    assert_eq!(text(&source.fetch().await.unwrap()), "t1");
    let [seen] = <[Seen; 1]>::try_from(server.seen()).unwrap();
    assert_eq!((&seen.method, &seen.body[..]), (&Method::PUT, "p4ss"));
    assert_eq!(seen.headers["x-user"], "gw");
    hand.advance(Duration::from_secs(84));
    assert!(source.current().is_some());
    hand.advance(Duration::from_secs(1));
    assert!(source.current().is_none());
}

#[test]
fn what_is_wrong_is_said_before_anything_is_sent() {
    let client = || OAuth2::new("https://auth.test/token", "c").secret("canary");
    check_invalid(OAuth2::new("http://auth.test", "c").secret("canary"), "tokenUrl");
    check_invalid(OAuth2::new("https://auth.test", "").secret("canary"), "clientId");
    check_invalid(OAuth2::new("https://auth.test", "c\n").secret("canary"), "clientId");
    check_invalid(OAuth2::new("https://auth.test", "c"), "clientSecret");
    check_invalid(client().secret(""), "clientSecret");
    check_invalid(client().secret("canary\r\n"), "clientSecret");
    check_invalid(client().scopes(["a b"]), "scopes");
    check_invalid(client().scopes([""]), "scopes");
    check_invalid(client().audience("canary\n"), "audience");
    assert_eq!(client().refresh_token("", |_| ()).unwrap_err().field(), "refreshToken");
    let error = client().authorization_code("http://auth.test/").unwrap_err();
    assert_eq!(error.field(), "authorizeUrl");
}

#[track_caller]
fn check_invalid(client: OAuth2, field: &str) {
    let error = client.client_credentials().unwrap_err();
    assert_eq!(error.field(), field, "{error}");
    assert!(!error.to_string().contains("canary"));
}

/// After a good answer all others are `broken`.
async fn check_broken(
    broken: impl Fn(&Seen) -> Response<Full<Bytes>> + Send + Sync + 'static,
    why: &str,
) {
    let good = Mutex::new(true);
    let server = Server::start(move |seen| match std::mem::take(&mut *good.lock().unwrap()) {
        true => ok(&issued("t1", r#","expires_in":100"#)),
        false => broken(seen),
    })
    .await;
    let hand = ManualClock::starting_at(Duration::ZERO);
    let source = TokenSource::builder(server.grant(), client()).clock(hand.clock()).build();
    let old = source.fetch().await.unwrap();
    let error = source.replace(&old).await.unwrap_err().to_string();
    assert!(error.starts_with("token endpoint 127.0.0.1: ") && error.contains(why), "{error}");
    assert!(!error.contains("canary"), "{error}");
    assert_eq!(text(&source.current().unwrap()), "t1");
    hand.advance(Duration::from_secs(95));
    assert!(source.current().is_none());
    let error = source.fetch().await.unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

async fn check_life(member: &'static str, seconds: u64) {
    let server = Server::start(move |_| ok(&issued("t1", member))).await;
    let hand = ManualClock::starting_at(Duration::ZERO);
    let source = TokenSource::builder(server.grant(), client()).clock(hand.clock()).build();
    source.fetch().await.unwrap();
    hand.advance(Duration::from_secs(seconds - 6));
    assert!(source.current().is_some(), "{member}");
    hand.advance(Duration::from_secs(1));
    assert!(source.current().is_none(), "{member}");
}

/// A token endpoint on loopback.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    headers: HeaderMap,
    body: String,
}

impl Server {
    async fn start(
        answer: impl Fn(&Seen) -> Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, answer) = (Arc::clone(&server.seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                let serve = service_fn(move |request: Request<Incoming>| {
                    let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes().to_vec();
                        let body = String::from_utf8(body).unwrap();
                        let one = Seen { method: head.method, headers: head.headers, body };
                        let answer = answer(&one);
                        seen.lock().unwrap().push(one);
                        Ok::<_, Infallible>(answer)
                    }
                });
                let http = hyper::server::conn::http1::Builder::new();
                // A client that reads no further than it must ends it with an error.
                tokio::spawn(async move {
                    drop(http.serve_connection(TokioIo::new(stream), serve).await)
                });
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    fn client(&self, id: &str) -> OAuth2 {
        OAuth2::new(self.url(), id).allow_plaintext(true)
    }

    fn grant(&self) -> Grant {
        grant(&self.url()).unwrap()
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The request that comes of `grant`.
    async fn fetch(&self, grant: Result<Grant, InvalidGrant>) -> Seen {
        TokenSource::new(grant.unwrap(), client()).fetch().await.unwrap();
        self.seen().pop().unwrap()
    }
}

fn client() -> Arc<dyn HttpClient> {
    Arc::new(ServiceClient::new(Client::builder(TokioExecutor::new()).build_http()))
}

fn grant(url: &str) -> Result<Grant, InvalidGrant> {
    OAuth2::new(url, "c").secret("s").allow_plaintext(true).client_credentials()
}

fn issued(token: &str, more: &str) -> String {
    format!(r#"{{"access_token":"{token}","token_type":"Bearer"{more}}}"#)
}

fn ok(body: &str) -> Response<Full<Bytes>> {
    response(200, body)
}

fn response(status: u16, body: &str) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(status).unwrap();
    let body = Full::new(Bytes::from(body.to_owned()));
    Response::builder().status(status).body(body).unwrap()
}

fn text(token: &Token) -> String {
    String::from_utf8(token.secret().expose().to_vec()).unwrap()
}
