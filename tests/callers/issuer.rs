//! Issuers of tokens: their keys, what they sign, and the servers that stand behind them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyUncompressedBin};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::upstream::Upstream;
use crate::world::NOW;

pub(crate) const ISSUER: &str = "https://login.example";
pub(crate) const AUDIENCE: &str = "https://api.example";

/// A key of an issuer (ES256), and its id.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl Key {
    pub(crate) fn new(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { pair, id }
    }

    /// The public key (RFC 7517).
    pub(crate) fn jwk(&self) -> Value {
        let point: EcPublicKeyUncompressedBin<'_> = self.pair.public_key().as_be_bytes().unwrap();
        let (x, y) = point.as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": self.id,
            "x": encode(x), "y": encode(y)})
    }

    pub(crate) fn set(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// A token that says `claims`.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": self.id, "typ": "JWT"});
        let signed = unsigned(&header, claims);
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature))
    }
}

/// A token that is signed with a secret (HS256).
pub(crate) fn shared(secret: &[u8], claims: &Value) -> String {
    let signed = unsigned(&json!({"alg": "HS256"}), claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("{signed}.{}", encode(hmac::sign(&key, signed.as_bytes())))
}

/// What there is to sign of a token.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

/// Claims of which nothing is wrong, but for some; `null` means that it is missing.
pub(crate) fn claims(changes: Value) -> Value {
    let mut claims =
        json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 300});
    let Value::Object(changes) = changes else { panic!("not an object") };
    claims.as_object_mut().unwrap().extend(changes);
    claims.as_object_mut().unwrap().retain(|_, it| !it.is_null());
    claims
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A server of an issuer's: it answers what it is told to, and remembers what it was asked.
pub(crate) struct Server {
    upstream: Upstream,
    state: Arc<State>,
}

struct State {
    asked: AtomicUsize,
    last: Mutex<Option<Request<Bytes>>>,
    answer: Mutex<(StatusCode, Value)>,
}

impl Server {
    pub(crate) fn start(answer: Value) -> Self {
        let state = Arc::new(State {
            asked: AtomicUsize::new(0),
            last: Mutex::default(),
            answer: Mutex::new((StatusCode::OK, answer)),
        });
        let shared = Arc::clone(&state);
        let upstream = Upstream::start(move |request| {
            shared.asked.fetch_add(1, Ordering::Relaxed);
            *shared.last.lock().unwrap() = Some(request);
            let (status, answer) = shared.answer.lock().unwrap().clone();
            let mut response = Response::new(Bytes::from(answer.to_string()));
            *response.status_mut() = status;
            response.headers_mut().insert("content-type", "application/json".parse().unwrap());
            std::future::ready(response)
        });
        Self { upstream, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.upstream.address
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::Relaxed)
    }

    /// What it was asked last.
    pub(crate) fn last(&self) -> Request<Bytes> {
        self.state.last.lock().unwrap().clone().unwrap()
    }

    pub(crate) fn answers(&self, status: u16, answer: Value) {
        *self.state.answer.lock().unwrap() = (StatusCode::from_u16(status).unwrap(), answer);
    }
}
