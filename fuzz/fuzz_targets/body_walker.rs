//! Fuzzes what rules find in bodies.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::body_walker::check(data));
