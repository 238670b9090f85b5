//! A token that was changed anywhere is not believed, by a verifier that has just believed it.

#![cfg(test)]

mod jwt_support;

use std::sync::LazyLock;

use jwt_support::{Signer, claims, claims_but, now};
use proptest::prelude::*;
use rrauth::{Credential, JwtVerifier, Kind, TokenVerifier, Verdict};
use rrcore::Now;
use serde_json::json;

#[test]
fn no_byte_of_a_token_can_be_changed() {
    for (verifier, token) in ISSUERS.iter() {
        assert!(is_believed(verifier, token));
        for index in 0..token.len() {
            let alphabet = b"A_-.9z=+/ \n{";
            for &byte in alphabet.iter().filter(|it| token.as_bytes()[index] != **it) {
                let mut changed = token.clone().into_bytes();
                changed[index] = byte;
                let changed = String::from_utf8(changed).unwrap();
                assert!(!is_believed(verifier, &changed), "{index}: {changed}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_piece_of_a_token_can_be_replaced(
        issuer in 0..SIGNERS.len(),
        from in 0.0..1.0_f64,
        length in 0..40_usize,
        piece in "[A-Za-z0-9_.=-]{0,40}",
    ) {
        let (verifier, token) = &ISSUERS[issuer];
        let start = (token.len() as f64 * from) as usize;
        let end = (start + length).min(token.len());
        let changed = format!("{}{piece}{}", &token[..start], &token[end..]);
        prop_assert_eq!(is_believed(verifier, &changed), changed == *token);
    }

    #[test]
    fn the_halves_of_two_tokens_are_none(issuer in 0..SIGNERS.len(), at in 0.0..1.0_f64) {
        let (verifier, token) = &ISSUERS[issuer];
        let other = SIGNERS[issuer].token(&SIGNERS[issuer].header(), &claims_but(&json!({"sub": "bobby"})));
        let cut = (token.len().min(other.len()) as f64 * at) as usize;
        let mixed = format!("{}{}", &token[..cut], &other[cut..]);
        prop_assert_eq!(is_believed(verifier, &mixed), mixed == *token || mixed == other);
    }
}

fn is_believed(verifier: &JwtVerifier<()>, token: &str) -> bool {
    let now = Now { monotonic: now(), wall: now() };
    matches!(verifier.verify(token, now), Verdict::Ready(Ok(_)))
}

static SIGNERS: LazyLock<Vec<Signer>> = LazyLock::new(Signer::every);

static ISSUERS: LazyLock<Vec<(JwtVerifier<()>, String)>> = LazyLock::new(|| {
    let verifier = |it: &Signer| {
        let partners = Credential::new("cred_1", "partners", Kind::JwtVerify, ());
        JwtVerifier::new(partners, it.policy().build().unwrap(), it.keys()).unwrap()
    };
    SIGNERS.iter().map(|it| (verifier(it), it.token(&it.header(), &claims()))).collect()
});
