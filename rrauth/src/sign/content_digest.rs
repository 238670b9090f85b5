//! The digest of a body in a header (RFC 9530).

use http::HeaderName;
use sha2::{Digest, Sha256};

use crate::sign::structured;

pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// The value of `Content-Digest` for a body.
pub(crate) fn of(body: &[u8]) -> String {
    let mut value = String::with_capacity(56);
    value.push_str("sha-256=");
    structured::push_bytes(&Sha256::digest(body), &mut value);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9530 §B.1 and §B.2, and RFC 9421 §B.2.
    #[test]
    fn digests_are_those_of_the_rfcs() {
        for (body, expected) in [
            ("{\"hello\": \"world\"}\n", "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="),
            ("", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
            ("{\"hello\": \"world\"}", "X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="),
        ] {
            assert_eq!(of(body.as_bytes()), format!("sha-256=:{expected}:"), "{body:?}");
        }
    }
}
