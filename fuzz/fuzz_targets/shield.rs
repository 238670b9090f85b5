//! Fuzzes the echo shield: no secret comes out, in whatever pieces it comes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::shield::check(data));
