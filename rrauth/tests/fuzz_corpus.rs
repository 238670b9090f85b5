//! What fuzzing starts from, replayed without a fuzzer.

#![cfg(test)]
#![expect(unreachable_pub, reason = "the checks are public to the fuzz targets, another crate")]

#[path = "../../fuzz/src/authorization.rs"]
mod authorization;
#[cfg(feature = "jwt")]
#[path = "../../fuzz/src/jwks.rs"]
mod jwks;
#[cfg(feature = "jwt")]
#[path = "../../fuzz/src/jwt.rs"]
mod jwt;
#[cfg(feature = "vault")]
#[path = "../../fuzz/src/vault_record.rs"]
mod vault_record;

use std::fs;
use std::path::Path;

#[cfg(feature = "vault")]
#[test]
fn every_seed_of_vault_record_holds() {
    replay("vault_record", vault_record::check);
}

#[test]
fn every_seed_of_authorization_holds() {
    replay("authorization", authorization::check);
}

#[cfg(feature = "jwt")]
#[test]
fn every_seed_of_jwt_holds() {
    replay("jwt", jwt::check);
}

#[cfg(feature = "jwt")]
#[test]
fn every_seed_of_jwks_holds() {
    replay("jwks", jwks::check);
}

#[track_caller]
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(seeds.len() >= 10, "{} seeds: moved?", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        check(&fs::read(seed).unwrap());
    }
}
