//! Fuzzes how content codings are undone, and streams cut into records.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::decoders::check(data));
