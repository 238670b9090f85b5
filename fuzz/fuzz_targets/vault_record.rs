//! Fuzzes how sealed records are opened.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::vault_record::check(data));
