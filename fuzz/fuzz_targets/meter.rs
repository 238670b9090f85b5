//! Fuzzes what meters read of bodies.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::meter::check(data));
