//! Request targets, ordinary and hostile: what becomes of them, and who reads what in them.

#![cfg(test)]

mod bypass;
mod judge;
mod oracle;
mod ordinary;
mod stable;
mod targets;
