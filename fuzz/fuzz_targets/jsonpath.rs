//! Fuzzes the reader of JSONPath.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::jsonpath::check(data));
