//! The engine, the comparison of rule sets and the lint against a reference that has no index, no
//! cache and no shortcut.
//!
//! `RR_CASES` sets how many cases each test has.

#![cfg(test)]

mod compare;
mod decide;
mod pointless;
mod random;
mod reference;
mod rules;
