//! ES512 (RFC 7518 §3.4): ECDSA on P-521, which no back end of `jsonwebtoken` offers. Without the
//! feature `es512` there are no such keys.

#[cfg(feature = "es512")]
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, ParsedPublicKey};

/// Whether such keys can be had.
pub(super) const IS_THERE: bool = cfg!(feature = "es512");

/// A public key on P-521.
#[cfg(feature = "es512")]
pub(super) struct P521(ParsedPublicKey);

#[cfg(feature = "es512")]
impl P521 {
    /// The key at `point`, in its uncompressed form (SEC 1 §2.3.3); `None` where that is not on the
    /// curve.
    pub(super) fn at(point: &[u8]) -> Option<Self> {
        ParsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point).ok().map(Self)
    }

    /// Whether `signature`, which is r and s of 66 bytes each, is that of `signed`.
    pub(super) fn made(&self, signature: &[u8], signed: &[u8]) -> bool {
        self.0.verify_sig(signed, signature).is_ok()
    }
}

/// There is none.
#[cfg(not(feature = "es512"))]
pub(super) enum P521 {}

#[cfg(not(feature = "es512"))]
impl P521 {
    pub(super) const fn at(_: &[u8]) -> Option<Self> {
        None
    }

    pub(super) const fn made(&self, _: &[u8], _: &[u8]) -> bool {
        match *self {}
    }
}
