//! Keeps the secrets that went upstream with a request from coming back in its response.

mod bench_probe;
mod escape;
mod form;
mod masker;
mod pattern;
mod run;

#[cfg(test)]
mod tests;

pub(crate) use self::masker::Masker;
pub use self::pattern::too_short;
pub(crate) use self::pattern::Pattern;
