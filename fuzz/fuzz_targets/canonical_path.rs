//! Fuzzes how a path becomes canonical.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::canonical_path::check(data));
