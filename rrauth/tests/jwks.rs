//! Tokens whose keys are fetched over real sockets: rotation, floods of unknown keys, faults.

#![cfg(test)]

mod remote_server;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rrauth::{
    Credential, Freshness, JwksVerifier, JwtAlgorithm, JwtPolicy, Kind, RemoteKeys, TokenVerifier,
    Unproved, Verdict,
};
use rrcore::ManualClock;
use serde_json::{Value, json};

use crate::remote_server::{Answer, Server, client, header, ok, settle, status};

const ISSUER: &str = "https://login.example";
const WALL: u64 = 1_800_000_000;

struct Signer {
    kid: &'static str,
    key: EncodingKey,
}

impl Signer {
    /// One for each `kid`: it is also the seed of the key.
    fn new(kid: &'static str) -> Self {
        // A private key of Ed25519 (RFC 8410 §7).
        let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        der.extend((0..32).map(|it| kid.as_bytes()[it % kid.len()]));
        Self { kid, key: EncodingKey::from_ed_der(&der) }
    }

    fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, Algorithm::EdDSA).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = self.kid.into();
        jwk
    }

    fn token(&self) -> String {
        self.token_of(self.kid)
    }

    fn token_of(&self, kid: &str) -> String {
        self.sign(kid, &json!({"iss": ISSUER, "sub": "alice", "exp": WALL + 86_400}))
    }

    fn sign(&self, kid: &str, claims: &Value) -> String {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

fn set(signers: &[&Signer]) -> Answer {
    let keys: Vec<_> = signers.iter().map(|it| it.jwk()).collect();
    document(&keys)
}

fn document(keys: &[Value]) -> Answer {
    ok(json!({ "keys": keys }).to_string())
}

struct Setting {
    server: Server,
    hand: ManualClock,
    verifier: JwksVerifier<()>,
}

impl Setting {
    async fn new(answer: Answer) -> Self {
        let server = Server::start(answer).await;
        let freshness = Freshness::new().allow_plaintext(true);
        let keys = RemoteKeys::new(client(), server.url(), freshness).unwrap();
        let policy = JwtPolicy::builder(ISSUER).algorithms([JwtAlgorithm::EdDsa]);
        let credential = Credential::new("cred_1", "partners", Kind::JwtVerify, ());
        let verifier = JwksVerifier::new(credential, policy.build().unwrap(), keys).unwrap();
        let hand = ManualClock::starting_at(Duration::from_secs(WALL));
        Self { server, hand, verifier }
    }

    /// What is said of `token`, and whether it had to wait.
    async fn verify(&self, token: &str) -> (&'static str, bool) {
        match self.verifier.verify(token, self.hand.clock().now()) {
            Verdict::NotMine => ("not mine", false),
            Verdict::Ready(said) => (name(&said), false),
            Verdict::Pending(wait) => (name(&wait.await), true),
        }
    }

    /// What is said of `token`, whether or not it had to wait.
    async fn said(&self, token: &str) -> &'static str {
        self.verify(token).await.0
    }

    fn advance(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }
}

fn name<T>(said: &Result<T, Unproved>) -> &'static str {
    match said {
        Ok(_) => "in",
        Err(Unproved::Invalid(_)) => "invalid",
        Err(Unproved::Expired(_)) => "expired",
        Err(Unproved::Unavailable(_)) => "unavailable",
        Err(_) => "something new",
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_on_first_use_and_an_old_one_ends_with_its_set() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let setting = Setting::new(set(&[&old])).await;
    assert_eq!(setting.verify(&old.token()).await, ("in", true));
    assert_eq!(setting.verify(&old.token()).await, ("in", false));
    setting.advance(60);
    setting.server.answer(set(&[&old, &new]));
    assert_eq!(setting.verify(&new.token()).await, ("in", true));
    assert_eq!(setting.verify(&old.token()).await, ("in", false));
    assert_eq!(setting.server.hits(), 2);
    setting.server.answer(set(&[&new]));
    setting.advance(600);
    assert_eq!(setting.verify(&old.token()).await, ("invalid", true));
    assert_eq!(setting.verify(&old.token()).await, ("invalid", false));
    assert_eq!(setting.verify(&new.token()).await, ("in", false));
    assert_eq!(setting.server.hits(), 3);
}

#[tokio::test]
async fn ten_thousand_unknown_keys_are_one_fetch_per_cool_down() {
    let good = Signer::new("good");
    let setting = Setting::new(set(&[&good])).await;
    let stranger = Signer::new("stranger");
    assert_eq!(setting.said(&good.token()).await, "in");
    setting.advance(30);
    let mut waited = 0;
    for kid in 0..10_000 {
        let token = stranger.token_of(&format!("kid-{kid}"));
        let (said, pending) = setting.verify(&token).await;
        assert_eq!(said, "invalid");
        waited += usize::from(pending);
        setting.hand.advance(Duration::from_millis(1));
    }
    assert_eq!((setting.server.hits(), waited), (2, 1));
    setting.server.answer(status(500));
    setting.advance(20);
    for kid in 0..1_000 {
        let token = stranger.token_of(&format!("kid-{kid}"));
        // Nobody is asked within the cool-down of the fetch before, which did not fail.
        let said = setting.said(&token).await;
        let expected = if setting.server.hits() == 2 { "invalid" } else { "unavailable" };
        assert_eq!(said, expected, "it may have a new key");
        setting.hand.advance(Duration::from_millis(29));
    }
    assert_eq!(setting.server.hits(), 3, "a failed fetch counts");
    assert_eq!(setting.verify(&good.token()).await, ("in", false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn unknown_keys_at_once_wait_for_one_fetch() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let setting = Arc::new(Setting::new(set(&[&old])).await);
    assert_eq!(setting.said(&old.token()).await, "in");
    setting.advance(60);
    let Answer::Now(both) = set(&[&old, &new]) else { panic!() };
    setting.server.answer(Answer::Gated(both));
    let tokens = (0..1_000).map(|it| match it % 2 {
        0 => (new.token(), "in"),
        _ => (new.token_of(&format!("kid-{it}")), "invalid"),
    });
    let tasks: Vec<_> = tokens
        .map(|(token, expected)| {
            let setting = Arc::clone(&setting);
            (expected, tokio::spawn(async move { setting.said(&token).await }))
        })
        .collect();
    settle(|| setting.server.hits() == 2).await;
    setting.server.open();
    for (expected, task) in tasks {
        assert_eq!(task.await.unwrap(), expected);
    }
    assert_eq!(setting.server.hits(), 2);
}

#[tokio::test]
async fn a_thousand_first_tokens_are_one_fetch() {
    let good = Signer::new("good");
    let Answer::Now(keys) = set(&[&good]) else { panic!() };
    let setting = Setting::new(Answer::Gated(keys)).await;
    let (token, now) = (good.token(), setting.hand.clock().now());
    let waits: Vec<_> = (0..1_000)
        .map(|_| match setting.verifier.verify(&token, now) {
            Verdict::Pending(wait) => wait,
            Verdict::Ready(_) | Verdict::NotMine => panic!("there are no keys yet"),
        })
        .collect();
    settle(|| setting.server.hits() > 0).await;
    setting.server.open();
    for wait in waits {
        assert_eq!(name(&wait.await), "in");
    }
    assert_eq!(setting.server.hits(), 1);
}

#[tokio::test]
async fn down_is_unavailable_when_cold_and_unnoticed_for_an_hour_when_warm() {
    let good = Signer::new("good");
    let setting = Setting::new(status(500)).await;
    assert_eq!(setting.verify(&good.token()).await, ("unavailable", true));
    assert_eq!(setting.verify(&good.token()).await, ("unavailable", false));
    setting.advance(60);
    setting.server.answer(set(&[&good]));
    assert_eq!(setting.said(&good.token()).await, "in");
    setting.server.answer(Answer::Close);
    for _ in 0..59 {
        setting.advance(60);
        assert_eq!(setting.said(&good.token()).await, "in");
    }
    assert_eq!(setting.said(&Signer::new("rotated").token()).await, "unavailable", "who knows");
    setting.advance(60);
    assert_eq!(setting.said(&good.token()).await, "unavailable");
    setting.server.answer(set(&[&good]));
    setting.advance(60);
    assert_eq!(setting.said(&good.token()).await, "in");
}

#[tokio::test]
async fn another_issuers_token_is_never_waited_for() {
    let good = Signer::new("good");
    let setting = Setting::new(Answer::Never).await;
    let foreign = good.sign("good", &json!({"iss": "https://other.example", "exp": WALL + 60}));
    for token in [foreign.as_str(), "opaque", "a.b.c", ""] {
        assert_eq!(setting.verify(token).await, ("not mine", false), "{token}");
    }
    // No less once there are keys.
    let setting = Setting::new(set(&[&good])).await;
    assert_eq!(setting.said(&good.token()).await, "in");
    assert_eq!(setting.verify(&foreign).await, ("not mine", false));
}

#[tokio::test]
async fn a_stalled_issuer_costs_no_others_tokens() {
    let good = Signer::new("good");
    let stalled = Setting::new(Answer::Never).await;
    let setting = Setting::new(set(&[&good])).await;
    let now = stalled.hand.clock().now();
    let Verdict::Pending(_wait) = stalled.verifier.verify(&good.token(), now) else { panic!() };
    assert_eq!(setting.said(&good.token()).await, "in");
}

#[tokio::test]
async fn a_verifier_that_is_replaced_leaves_no_one_waiting_in_vain() {
    let good = Signer::new("good");
    let Answer::Now(keys) = set(&[&good]) else { panic!() };
    let Setting { server, hand, verifier } = Setting::new(Answer::Gated(keys)).await;
    let Verdict::Pending(wait) = verifier.verify(&good.token(), hand.clock().now()) else {
        panic!()
    };
    drop(verifier);
    settle(|| server.hits() > 0).await;
    server.open();
    assert_eq!(name(&wait.await), "in");
}

#[tokio::test]
async fn a_bad_set_leaves_the_old_one() {
    let (good, new) = (Signer::new("good"), Signer::new("new"));
    let secret = json!({"kty": "oct", "k": "A".repeat(43), "kid": "new", "alg": "HS256"});
    let many: Vec<_> = (0..33).map(|_| new.jwk()).collect();
    let mut padded = new.jwk();
    padded["x5c"] = "A".repeat(64 * 1024).into();
    let Answer::Now(gzip) = header("content-encoding", "gzip", "") else { panic!() };
    let Answer::Now(keys) = set(&[&new]) else { panic!() };
    let gzip = gzip.map(|_| keys.into_body());
    for (bad, why) in [
        (ok("<html>Sign in</html>"), "it is not a JSON object with one list called keys"),
        (ok("{\"keys\":[]}"), "no key of the set can be used: it has none"),
        (document(&many), "the set has more than 32 keys"),
        (document(&[padded]), "the answer cannot be read: length limit exceeded"),
        (ok(vec![b' '; 10_000_000]), "the answer cannot be read: length limit exceeded"),
        (document(&[secret]), "no key of the set can be used: keys/0 \"new\": kty: "),
        (status(302), "the answer is 302, not 200"),
        (Answer::Now(gzip), "the answer is compressed"),
    ] {
        let setting = Setting::new(set(&[&good])).await;
        assert_eq!(setting.said(&good.token()).await, "in");
        setting.server.answer(bad);
        setting.advance(60);
        assert_eq!(setting.verify(&new.token()).await, ("unavailable", true), "{why}");
        assert_eq!(setting.said(&good.token()).await, "in", "{why}");
        let state = setting.verifier.keys().state(setting.hand.clock().now());
        let error = state.last_error.unwrap();
        assert!(error.starts_with(why), "{error}, not {why}");
    }
}

#[tokio::test]
async fn one_bad_key_is_left_out_and_an_ambiguous_name_is_nobodys() {
    let (good, twin) = (Signer::new("good"), Signer::new("twin"));
    let bad = json!({"kty": "OKP", "crv": "Ed25519", "kid": "bad", "x": "AA"});
    let secret = json!({"kty": "oct", "k": "A".repeat(43), "kid": "secret"});
    let mut second = Signer::new("other").jwk();
    second["kid"] = "twin".into();
    let keys = [bad, good.jwk(), secret, twin.jwk(), second];
    let setting = Setting::new(document(&keys)).await;
    assert_eq!(setting.said(&good.token()).await, "in");
    assert_eq!(setting.verify(&twin.token()).await, ("invalid", false));
    let held = setting.verifier.keys().held(setting.hand.clock().now()).unwrap();
    assert_eq!((held.len(), held.skipped().len()), (3, 2), "{held:?}");
}

#[tokio::test]
async fn a_token_of_the_right_name_and_the_wrong_key_asks_nobody() {
    let (good, forger) = (Signer::new("good"), Signer::new("forger"));
    let setting = Setting::new(set(&[&good])).await;
    assert_eq!(setting.said(&good.token()).await, "in");
    setting.advance(60);
    assert_eq!(setting.verify(&forger.token_of("good")).await, ("invalid", false));
    assert_eq!(setting.server.hits(), 1);
}

#[tokio::test]
async fn a_wall_clock_that_jumps_ages_tokens_and_not_keys() {
    let good = Signer::new("good");
    let setting = Setting::new(set(&[&good])).await;
    let token = good.sign("good", &json!({"iss": ISSUER, "exp": WALL + 60}));
    assert_eq!(setting.said(&token).await, "in");
    setting.hand.set_wall(Duration::from_secs(WALL + 3_600));
    assert_eq!(setting.verify(&token).await, ("expired", false));
    setting.hand.set_wall(Duration::from_secs(WALL - 3_600));
    assert_eq!(setting.verify(&token).await, ("in", false));
    assert_eq!(setting.server.hits(), 1);
}

#[test]
fn symmetric_algorithms_are_not_for_published_keys() {
    let url = "https://login.example/keys".parse().unwrap();
    let keys = RemoteKeys::new(client(), url, Freshness::new()).unwrap();
    let policy = JwtPolicy::builder(ISSUER).algorithms([JwtAlgorithm::Hs256]).build().unwrap();
    let credential = Credential::new("cred_1", "partners", Kind::JwtVerify, ());
    let error = JwksVerifier::new(credential, policy, keys).unwrap_err();
    assert_eq!(error.field(), "algorithms");
}

#[test]
fn keys_come_over_plain_http_only_where_that_is_allowed() {
    for url in ["http://login.example/keys", "http://127.0.0.1/keys"] {
        let keys = |freshness| RemoteKeys::new(client(), url.parse().unwrap(), freshness);
        let error = keys(Freshness::new()).unwrap_err();
        assert_eq!(error.to_string(), "the URL is plain http, which is not allowed");
        assert!(keys(Freshness::new().allow_plaintext(true)).is_ok());
    }
}
