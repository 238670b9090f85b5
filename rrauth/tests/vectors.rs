//! The cipher under the vault against the vectors of RFC 8452 and of Wycheproof.
#![cfg(test)] // tells clippy that this may panic

use std::io::Write;
use std::path::Path;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use serde_json::Value;

#[test]
fn rfc_8452_vectors_agree() {
    let Some(file) = read("rfc8452_aes256.json") else { return };
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 24, "only {} vectors", vectors.len());
    for it in vectors {
        check(it, "plaintext", "nonce", &bytes(&it["ct_tag"]), true);
    }
}

#[test]
fn wycheproof_256_bit_vectors_agree() {
    let Some(file) = read("wycheproof_aes_gcm_siv.dev.json") else { return };
    let groups = file["testGroups"].as_array().unwrap();
    let tests: Vec<_> = groups
        .iter()
        .filter(|it| it["keySize"] == 256)
        .flat_map(|it| it["tests"].as_array().unwrap())
        .collect();
    assert!(tests.len() >= 40, "only {} vectors", tests.len());
    for it in tests {
        let sealed = [bytes(&it["ct"]), bytes(&it["tag"])].concat();
        check(it, "msg", "iv", &sealed, it["result"] == "valid");
    }
}

#[track_caller]
fn check(vector: &Value, plaintext: &str, nonce: &str, sealed: &[u8], valid: bool) {
    let cipher = Aes256GcmSiv::new_from_slice(&bytes(&vector["key"])).unwrap();
    let nonce = Nonce::try_from(bytes(&vector[nonce]).as_slice()).unwrap();
    let (aad, msg) = (&bytes(&vector["aad"])[..], &bytes(&vector[plaintext])[..]);
    let encrypted = cipher.encrypt(&nonce, Payload { msg, aad }).unwrap();
    let decrypted = cipher.decrypt(&nonce, Payload { msg: sealed, aad });
    assert_eq!(encrypted == sealed, valid, "{vector}");
    assert_eq!(decrypted.ok().as_deref(), valid.then_some(msg), "{vector}");
}

fn bytes(hex: &Value) -> Vec<u8> {
    let (pairs, []) = hex.as_str().unwrap().as_bytes().as_chunks::<2>() else {
        panic!("odd length: {hex}")
    };
    pairs
        .iter()
        .map(|it| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 16).unwrap())
        .collect()
}

// The vectors are not part of the repository: they lie beside it.
fn read(name: &str) -> Option<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/crypto");
    match std::fs::read(folder.join(name)) {
        Ok(text) => Some(serde_json::from_slice(&text).unwrap()),
        Err(error) => {
            // Not `eprintln!`, which is not shown for a test that passes.
            _ = writeln!(std::io::stderr(), "SKIPPED: {name} cannot be read: {error}");
            None
        }
    }
}
