//! A secret that was sent upstream, kept so that later stages can keep it from coming back.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

/// A secret that went upstream with a request, shared and wiped when the last holder lets go.
///
/// Prints nothing of itself.
#[derive(Clone)]
pub struct InjectedSecret {
    inner: Arc<Inner>,
}

struct Inner {
    bytes: Zeroizing<Vec<u8>>,
    derived: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl InjectedSecret {
    /// Takes the exact bytes of a secret.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let inner = Inner { bytes: Zeroizing::new(bytes), derived: OnceLock::new() };
        Self { inner: Arc::new(inner) }
    }

    /// The secret itself. Compare it, mask it; never log it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// What a stage makes of the secret to work with it, made once and let go of with the secret.
    ///
    /// One thing is kept: to a stage that asks for another type, it is made each time.
    ///
    /// ```
    /// use rrcore::InjectedSecret;
    ///
    /// let secret = InjectedSecret::new(b"k_4eC39HqLyjWDarjt".to_vec());
    /// assert_eq!(*secret.derived(<[u8]>::len), 18);
    /// assert_eq!(*secret.clone().derived(|_| -> usize { unreachable!() }), 18);
    /// ```
    #[must_use]
    pub fn derived<T: Any + Send + Sync>(&self, make: impl FnOnce(&[u8]) -> T) -> Arc<T> {
        if let Some(kept) = self.inner.derived.get() {
            return match Arc::clone(kept).downcast() {
                Ok(kept) => kept,
                Err(_) => Arc::new(make(self.expose())),
            };
        }
        let made = Arc::new(make(self.expose()));
        // Where another thread was faster, both are good.
        _ = self.inner.derived.set(Arc::clone(&made) as _);
        made
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
        _ = secret.derived(<[u8]>::to_vec);
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.expose(), b"sk_live_canary");
    }

    #[test]
    fn what_is_derived_is_made_once_and_goes_with_the_secret() {
        let secret = InjectedSecret::new(b"sk_live".to_vec());
        let first = secret.derived(<[u8]>::len);
        let clone = secret.clone();
        assert!(Arc::ptr_eq(&first, &clone.derived(|_| 0_usize)));
        drop(clone);
        assert_eq!(*secret.derived(|it| it.first().copied()), Some(b's'), "another type");
        assert_eq!(Arc::strong_count(&first), 2);
        drop(secret);
        assert_eq!(Arc::strong_count(&first), 1);
    }
}
