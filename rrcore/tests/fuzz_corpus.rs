//! What fuzzing starts from, replayed without a fuzzer.

#![cfg(test)]
#![cfg(all(feature = "encoding", feature = "records"))]
#![expect(unreachable_pub, reason = "the checks are public to the fuzz targets, another crate")]

#[path = "../../fuzz/src/decoders.rs"]
mod decoders;

use std::fs;
use std::path::Path;

#[test]
fn every_seed_of_decoders_holds() {
    replay("decoders", decoders::check);
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
