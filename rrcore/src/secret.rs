//! A secret that was sent upstream, kept so that later stages can keep it from coming back.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A secret that went upstream with a request, shared and wiped when the last holder lets go.
///
/// Prints nothing of itself.
#[derive(Clone)]
pub struct InjectedSecret {
    bytes: Arc<Zeroizing<Vec<u8>>>,
}

impl InjectedSecret {
    /// Takes the exact bytes of a secret.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(bytes)) }
    }

    /// The secret itself. Compare it, mask it; never log it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for InjectedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InjectedSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let secret = InjectedSecret::new(b"sk_live_canary".to_vec());
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.expose(), b"sk_live_canary");
    }
}
