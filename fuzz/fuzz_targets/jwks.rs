//! Fuzzes how key sets are read.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::jwks::check(data));
