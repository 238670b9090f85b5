//! Fuzzes how rules decide together.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::evaluator::check(data));
