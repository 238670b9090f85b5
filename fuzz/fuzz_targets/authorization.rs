//! Fuzzes how a shown credential is read.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::authorization::check(data));
