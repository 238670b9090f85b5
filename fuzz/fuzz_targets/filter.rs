//! Fuzzes filters, against one another.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::filter::check(data));
