//! What no back end of `jsonwebtoken` does: ES512 (RFC 7518 §3.4), and looking whether a key is a point
//! at all. Both take the feature `es512`.

#[cfg(feature = "es512")]
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED,
    EcdsaVerificationAlgorithm, ParsedPublicKey,
};

/// Whether there are keys on P-521.
pub(super) const HAS_P521: bool = cfg!(feature = "es512");

/// Whether `point`, in its uncompressed form (SEC 1 §2.3.3), is on P-256 or P-384, by its length.
/// Without the feature it is taken to be: a back end refuses whatever would be verified with one that
/// is not.
#[cfg(feature = "es512")]
pub(super) fn is_point(point: &[u8]) -> bool {
    let curve = if point.len() == 65 { &ECDSA_P256_SHA256_FIXED } else { &ECDSA_P384_SHA384_FIXED };
    parsed(curve, point).is_some()
}

#[cfg(not(feature = "es512"))]
pub(super) const fn is_point(_: &[u8]) -> bool {
    true
}

/// A public key on P-521.
#[cfg(feature = "es512")]
pub(super) struct P521(ParsedPublicKey);

#[cfg(feature = "es512")]
impl P521 {
    /// The key at `point`, in its uncompressed form; `None` where that is not on the curve.
    pub(super) fn at(point: &[u8]) -> Option<Self> {
        parsed(&ECDSA_P521_SHA512_FIXED, point).map(Self)
    }

    /// Whether `signature`, which is r and s of 66 bytes each, is that of `signed`.
    pub(super) fn made(&self, signature: &[u8], signed: &[u8]) -> bool {
        self.0.verify_sig(signed, signature).is_ok()
    }
}

#[cfg(feature = "es512")]
fn parsed(curve: &'static EcdsaVerificationAlgorithm, point: &[u8]) -> Option<ParsedPublicKey> {
    ParsedPublicKey::new(curve, point).ok()
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

/// Whether `point` is one of the few on Ed25519 for which signatures are found by guessing: those whose
/// order divides the cofactor (RFC 8032 §5.1), in every spelling.
pub(super) fn has_small_order(point: &[u8]) -> bool {
    let Some((last, rest)) = point.split_last() else { return false };
    // The sign of x, which both points of a y share.
    SMALL_ORDER.iter().any(|it| it.split_last() == Some((&(last & 0x7f), rest)))
}

// The y of the eight points whose order divides 8, little-endian; and 0 and 1 with the prime 2^255 - 19
// added.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    little(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    little(0xec, 0xff, 0x7f),
    little(0xed, 0xff, 0x7f),
    little(0xee, 0xff, 0x7f),
];

const fn little(first: u8, between: u8, last: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    (bytes[0], bytes[31]) = (first, last);
    bytes
}
