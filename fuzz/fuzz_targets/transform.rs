//! Fuzzes how messages are transformed.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::transform::check(data));
