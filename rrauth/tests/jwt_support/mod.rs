//! An issuer for tests: keys of every kind, and tokens of any shape signed with them.

#![allow(dead_code, reason = "no test needs all of it")]
#![allow(unreachable_pub, reason = "a module of several test crates")]

use std::time::Duration;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPublicKeyUncompressedBin, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rrauth::{JwkSet, JwtAlgorithm, JwtPolicy, JwtPolicyBuilder};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://login.example";
pub const AUDIENCE: &str = "https://api.example";
pub const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// When the tests take place, in seconds since the Unix epoch.
pub const NOW: u64 = 1_800_000_000;

pub const fn now() -> Duration {
    Duration::from_secs(NOW)
}

/// Signs, and says with what.
pub struct Signer {
    pub key: SigningKey,
    /// The public key (RFC 7517), with `alg` and `kid` of one value.
    pub jwk: Value,
}

pub enum SigningKey {
    BackEnd(Algorithm, EncodingKey),
    P521(EcdsaKeyPair),
}

impl Signer {
    pub fn secret() -> Self {
        let key = EncodingKey::from_secret(SECRET);
        let jwk = json!({"kty": "oct", "k": encode(SECRET), "alg": "HS256", "kid": "HS256"});
        Self { key: SigningKey::BackEnd(Algorithm::HS256, key), jwk }
    }

    pub fn rsa() -> Self {
        Self::rsa_of(KeySize::Rsa2048)
    }

    pub fn rsa_of(size: KeySize) -> Self {
        let pair = RsaKeyPair::generate(size).unwrap();
        let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
        let n = encode(n.big_endian_without_leading_zero());
        let e = encode(e.big_endian_without_leading_zero());
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        // What PKCS #8 wraps (RFC 5208 §5), after a head that is as long for keys of any size here.
        let key = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
        let jwk = json!({"kty": "RSA", "n": n, "e": e, "alg": "RS256", "kid": "RS256"});
        Self { key: SigningKey::BackEnd(Algorithm::RS256, key), jwk }
    }

    pub fn p256() -> Self {
        let jwk = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "ES256"});
        Self::ec(&ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::ES256, jwk)
    }

    pub fn p384() -> Self {
        let jwk = json!({"kty": "EC", "crv": "P-384", "alg": "ES384", "kid": "ES384"});
        Self::ec(&ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::ES384, jwk)
    }

    /// Only where there is the feature `es512`.
    pub fn p521() -> Self {
        let jwk = json!({"kty": "EC", "crv": "P-521", "alg": "ES512", "kid": "ES512"});
        let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        Self { jwk: at_its_point(jwk, &pair), key: SigningKey::P521(pair) }
    }

    fn ec(kind: &'static EcdsaSigningAlgorithm, algorithm: Algorithm, jwk: Value) -> Self {
        let pair = EcdsaKeyPair::generate(kind).unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { jwk: at_its_point(jwk, &pair), key: SigningKey::BackEnd(algorithm, key) }
    }

    pub fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = encode(pair.public_key().as_ref());
        let key = EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "kid": "EdDSA"});
        Self { key: SigningKey::BackEnd(Algorithm::EdDSA, key), jwk }
    }

    pub fn every() -> Vec<Self> {
        let mut every =
            vec![Self::secret(), Self::rsa(), Self::p256(), Self::p384(), Self::ed25519()];
        if cfg!(feature = "es512") {
            every.push(Self::p521());
        }
        every
    }

    pub fn name(&self) -> &str {
        self.jwk["alg"].as_str().unwrap()
    }

    pub fn allowed(&self) -> JwtAlgorithm {
        self.name().parse().unwrap()
    }

    /// The set of this key only.
    pub fn keys(&self) -> JwkSet {
        set(&[&self.jwk])
    }

    /// The header that belongs to this key.
    pub fn header(&self) -> Value {
        json!({"alg": self.name(), "kid": self.jwk["kid"], "typ": "JWT"})
    }

    /// A token of this header and payload.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        self.raw(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// A token of whatever bytes, well signed.
    pub fn raw(&self, header: &[u8], payload: &[u8]) -> String {
        self.sign(&format!("{}.{}", encode(header), encode(payload)))
    }

    /// `signed` with its signature.
    pub fn sign(&self, signed: &str) -> String {
        let signature = match &self.key {
            SigningKey::BackEnd(algorithm, key) => {
                crypto::sign(signed.as_bytes(), key, *algorithm).unwrap()
            }
            SigningKey::P521(pair) => {
                encode(pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap())
            }
        };
        format!("{signed}.{signature}")
    }

    pub fn policy(&self) -> JwtPolicyBuilder {
        JwtPolicy::builder(ISSUER).algorithms([self.allowed()]).audience([AUDIENCE])
    }
}

fn at_its_point(mut jwk: Value, pair: &EcdsaKeyPair) -> Value {
    let point = AsBigEndian::<EcPublicKeyUncompressedBin<'_>>::as_be_bytes(pair.public_key());
    let point = point.unwrap();
    let (x, y) = point.as_ref()[1..].split_at(point.as_ref().len() / 2);
    (jwk["x"], jwk["y"]) = (encode(x).into(), encode(y).into());
    jwk
}

/// Claims of which nothing is wrong.
pub fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 300})
}

/// These claims but for some, of which `null` means that it is missing.
pub fn claims_but(changes: &Value) -> Value {
    changed(claims(), changes)
}

pub fn changed(mut object: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}

pub fn set(keys: &[&Value]) -> JwkSet {
    JwkSet::parse_inline(document(keys).as_bytes()).unwrap()
}

pub fn document(keys: &[&Value]) -> String {
    json!({"keys": keys}).to_string()
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
