//! What fuzzing starts from, replayed without a fuzzer.

#![cfg(test)]
#![expect(unreachable_pub, reason = "the checks are public to the fuzz targets, another crate")]

#[path = "../../fuzz/src/meter.rs"]
mod meter;

use std::fs;
use std::path::Path;

#[test]
fn every_seed_of_meter_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/meter");
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(seeds.len() >= 10, "{} seeds: moved?", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        meter::check(&fs::read(seed).unwrap());
    }
}
