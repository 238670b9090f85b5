//! What must hold for any bytes: one function `check` for each fuzz target.

pub mod canonical_path;
