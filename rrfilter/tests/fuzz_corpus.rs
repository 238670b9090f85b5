//! What fuzzing starts from, replayed without a fuzzer.

#![cfg(test)]
#![expect(unreachable_pub, reason = "the checks are public to the fuzz targets, another crate")]

#[path = "../../fuzz/src/filter.rs"]
mod filter;
#[path = "../../fuzz/src/jsonpath.rs"]
mod jsonpath;
#[path = "../../fuzz/src/shield.rs"]
mod shield;

use std::fs;
use std::path::Path;

#[test]
fn every_seed_of_filter_holds() {
    replay("filter", filter::check);
}

#[test]
fn every_seed_of_jsonpath_holds() {
    replay("jsonpath", jsonpath::check);
}

#[test]
fn every_seed_of_shield_holds() {
    replay("shield", shield::check);
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
