//! Fuzzes how rules and patterns are read.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rr_fuzz::rule_parser::check(data));
