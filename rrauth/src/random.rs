//! Unpredictable bytes, from the operating system only.

/// The operating system gave no random bytes. Nothing was made, sealed or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomUnavailable;

/// Fills `bytes`; never with anything weaker.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
    getrandom::fill(bytes).map_err(|_| RandomUnavailable)
}
