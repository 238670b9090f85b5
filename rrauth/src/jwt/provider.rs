//! Whether `jsonwebtoken` has a back end, and one only, asked while that can still be said politely.

use std::panic;
use std::sync::OnceLock;

use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use crate::jwt::error::InvalidJwtPolicy;

/// Verifies a signature that is known to be right.
///
/// Without a back end, or with two and none installed, `jsonwebtoken` panics, and there is no other way to ask it. It then stays without
/// one, whatever is installed later: hence the answer is kept.
pub(super) fn check() -> Result<(), InvalidJwtPolicy> {
    static WORKS: OnceLock<bool> = OnceLock::new();
    let works = *WORKS.get_or_init(|| panic::catch_unwind(verify_known).unwrap_or(false));
    if works { Ok(()) } else { Err(InvalidJwtPolicy::new("provider", MISSING)) }
}

// HMAC-SHA-256 of RFC 4231 §4.3.
fn verify_known() -> bool {
    let key = DecodingKey::from_secret(b"Jefe");
    let signature = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM";
    let verified =
        crypto::verify(signature, b"what do ya want for nothing?", &key, Algorithm::HS256);
    verified.unwrap_or(false)
}

// With both, it does not choose; which of the two it is, it does not tell.
const MISSING: &str = "jsonwebtoken has no back end, or two: enable exactly one of its features \
                       aws_lc_rs and rust_crypto, or install a CryptoProvider first";
