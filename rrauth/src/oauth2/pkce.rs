//! Proof that whoever redeems a code is who asked for it (RFC 7636).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::random::{self, RandomUnavailable};

/// The secret of one authorization, to be kept between
/// [`CodeFlow::authorize_url`](crate::CodeFlow::authorize_url) and
/// [`CodeFlow::exchange`](crate::CodeFlow::exchange): where nobody but who asked can get at it, such
/// as their session.
///
/// Prints nothing of itself.
#[derive(Clone)]
pub struct PkceVerifier {
    text: Zeroizing<String>,
}

impl PkceVerifier {
    pub(crate) fn new() -> Result<Self, RandomUnavailable> {
        let mut bytes = Zeroizing::new([0; 32]);
        random::fill(bytes.as_mut_slice())?;
        Ok(Self { text: Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())) })
    }

    /// One that was kept as text; `None` where it is not one (RFC 7636 §4.1).
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let known = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
        let is_one = (43..=128).contains(&text.len()) && text.bytes().all(known);
        is_one.then(|| Self { text: Zeroizing::new(text.to_owned()) })
    }

    /// The secret itself, to be kept.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    // `plain` is not offered: what is seen on the way would be the secret.
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.text.as_bytes()))
    }
}

impl fmt::Debug for PkceVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PkceVerifier(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = PkceVerifier::from_text("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let challenge = verifier.unwrap().challenge();
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn no_two_verifiers_are_alike_and_each_survives_being_kept() {
        let [one, other] = [(); 2].map(|()| PkceVerifier::new().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(PkceVerifier::from_text(one.expose()).unwrap().expose(), one.expose());
        for bad in ["", "short", &"a".repeat(129), &format!("{}&", "a".repeat(43))] {
            assert!(PkceVerifier::from_text(bad).is_none(), "{bad}");
        }
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
