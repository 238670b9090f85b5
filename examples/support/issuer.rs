//! An issuer of signed tokens, in place of a real one (Keycloak, Auth0, Entra ID, …): a key, and what
//! it signs. A service that verifies tokens needs nothing of this.

use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyUncompressedBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Result;

/// A key for ES256 (RFC 7518 §3.4), and its id.
pub struct Key {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl Key {
    pub fn generate(id: &'static str) -> Result<Self> {
        Ok(Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?, id })
    }

    /// The public key, as issuers publish it (RFC 7517).
    pub fn jwk(&self) -> Result<Value> {
        let point: EcPublicKeyUncompressedBin<'_> = self.pair.public_key().as_be_bytes()?;
        // After a byte that says that both follow (SEC 1 §2.3.3).
        let (x, y) = point.as_ref()[1..].split_at(32);
        let (x, y) = (encode(x), encode(y));
        Ok(json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": self.id, "x": x, "y": y}))
    }

    /// A token that says `claims` (RFC 7515 §7.1).
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let header = json!({"alg": "ES256", "kid": self.id, "typ": "JWT"});
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes())?;
        Ok(format!("{signed}.{}", encode(signature)))
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
