//! Fuzzes how tokens are read and judged.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::jwt::check(data));
