//! What fuzzing starts from, replayed without a fuzzer.

#![cfg(test)]
#![expect(unreachable_pub, reason = "the checks are public to the fuzz targets, another crate")]

#[path = "../../fuzz/src/body_walker.rs"]
mod body_walker;
#[path = "../../fuzz/src/canonical_path.rs"]
mod canonical_path;
#[path = "../../fuzz/src/evaluator.rs"]
mod evaluator;
#[path = "model/reference.rs"]
mod reference;
#[path = "../../fuzz/src/rule_parser.rs"]
mod rule_parser;
#[path = "model/rules.rs"]
mod rules;

use std::fs;
use std::path::Path;

#[test]
fn every_seed_of_canonical_path_holds() {
    replay("canonical_path", canonical_path::check);
}

#[test]
fn every_seed_of_rule_parser_holds() {
    replay("rule_parser", rule_parser::check);
}

#[test]
fn every_seed_of_evaluator_holds() {
    replay("evaluator", evaluator::check_whole);
}

#[test]
fn every_seed_of_body_walker_holds() {
    replay("body_walker", body_walker::check);
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
