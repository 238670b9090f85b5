//! What fuzzing of transformations starts from, replayed without a fuzzer.

#![cfg(test)]

use std::fs;
use std::path::Path;

#[expect(unreachable_pub, reason = "the check is public to the fuzz target, another crate")]
#[path = "../../fuzz/src/transform.rs"]
mod transform;

#[test]
fn every_seed_of_transform_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/transform");
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(seeds.len() >= 20, "{} seeds: moved?", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        transform::check(&fs::read(seed).unwrap());
    }
}
