//! One key (RFC 7517 §4): whether it may be used at all, and with which algorithms.

use std::sync::OnceLock;

use jsonwebtoken::{DecodingKey, crypto};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::jwt::algorithm::JwtAlgorithm as Algorithm;
use crate::jwt::curves::{self, P521};
use crate::jwt::error::JwtError;
use crate::jwt::header::{self, Header, Thumbprints};
use crate::jwt::jws::{self, Jws};
use crate::jwt::roca;

/// A key that signatures are verified with.
pub(super) struct Key {
    pub(super) kid: Option<Box<str>>,
    pub(super) thumbprints: Thumbprints,
    kind: Kind,
    /// The one algorithm that the key is for, if it says so.
    pinned: Option<Algorithm>,
    check: Check,
    /// The header of the first token that it verified, and how that was spelt: an issuer spells all of
    /// a key's tokens alike, mostly.
    header: OnceLock<(Box<str>, Header)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Secret { bytes: usize },
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

/// Who verifies with it.
enum Check {
    /// The back end of `jsonwebtoken`.
    BackEnd(DecodingKey),
    P521(P521),
}

type Members = Map<String, Value>;

impl Key {
    /// The key that `members` describe, or why it is none.
    pub(super) fn read(mut members: Members) -> Result<Self, String> {
        let thumbprints = Thumbprints::take(&mut members).map_err(|it| it.to_string())?;
        let members = &members;
        is_for_verifying(members)?;
        let (kind, check) = match text(members, "kty")? {
            "RSA" => (Kind::Rsa, Check::BackEnd(rsa(members)?)),
            "EC" => ec(members)?,
            "OKP" => (Kind::Ed25519, Check::BackEnd(ed25519(members)?)),
            "oct" => symmetric(members)?,
            _ => return Err("kty: it is none of RSA, EC, OKP, oct".to_owned()),
        };
        if kind.is_public() && members.contains_key("d") {
            // Whoever has read the set could sign.
            return Err("d: the private key is published".to_owned());
        }
        let pinned = match members.get("alg") {
            None => None,
            Some(_) => Some(pinned(text(members, "alg")?, kind)?),
        };
        if let Some(pinned) = pinned.filter(|it| !kind.fits(*it)) {
            return Err(format!("alg: such a key is not for {pinned}"));
        }
        let kid = members.contains_key("kid").then(|| text(members, "kid")).transpose()?;
        if kid.is_some_and(|it| it.is_empty() || it.len() > header::LONGEST) {
            return Err(format!("kid: it is not a text of 1 to {} bytes", header::LONGEST));
        }
        Ok(Self {
            kid: kid.map(Into::into),
            thumbprints,
            kind,
            pinned,
            check,
            header: OnceLock::new(),
        })
    }

    /// A secret that the issuer shares with us.
    pub(super) fn secret(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < SHORTEST_SECRET {
            return Err(format!("the secret is shorter than {SHORTEST_SECRET} bytes"));
        }
        let kind = Kind::Secret { bytes: bytes.len() };
        let check = Check::BackEnd(DecodingKey::from_secret(bytes));
        Ok(Self {
            kid: None,
            thumbprints: Thumbprints::default(),
            kind,
            pinned: None,
            check,
            header: OnceLock::new(),
        })
    }

    pub(super) const fn is_public(&self) -> bool {
        self.kind.is_public()
    }

    /// Whether `algorithm` may be used with this key.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.kind.fits(algorithm) && self.pinned.is_none_or(|it| it == algorithm)
    }

    /// What the header of `jws` says, if it is spelt as the one that is remembered.
    pub(super) fn header(&self, jws: &Jws<'_>) -> Option<&Header> {
        let (spelling, header) = self.header.get()?;
        (**spelling == *jws.header).then_some(header)
    }

    /// Remembers `header`, which is what that of `jws` says. Only of a token that was verified: what
    /// a stranger sends first would be in the way.
    pub(super) fn remember(&self, jws: &Jws<'_>, header: Header) {
        if jws.header.len() <= LONGEST_REMEMBERED {
            _ = self.header.set((jws.header.into(), header));
        }
    }

    /// Whether this key made the signature of `jws`, by an algorithm that fits.
    pub(super) fn verify(&self, jws: &Jws<'_>, algorithm: Algorithm) -> Result<(), JwtError> {
        if !self.fits(algorithm) {
            return Err(JwtError::invalid(format!("alg: the key is not for {algorithm}")));
        }
        if self.check.made(jws, algorithm) {
            Ok(())
        } else {
            Err(JwtError::invalid("the signature is wrong"))
        }
    }
}

impl Check {
    fn made(&self, jws: &Jws<'_>, algorithm: Algorithm) -> bool {
        let signed = jws.signed.as_bytes();
        match self {
            Self::BackEnd(key) => algorithm.backend().is_some_and(|algorithm| {
                crypto::verify(jws.signature, signed, key, algorithm).unwrap_or(false)
            }),
            Self::P521(key) => jws::decode(jws.signature).is_some_and(|it| key.made(&it, signed)),
        }
    }
}

impl Kind {
    const fn is_public(self) -> bool {
        !matches!(self, Self::Secret { .. })
    }

    fn fits(self, algorithm: Algorithm) -> bool {
        match algorithm {
            // No shorter than what the hash yields (RFC 7518 §3.2).
            Algorithm::Hs256 => self.has_bytes(32),
            Algorithm::Hs384 => self.has_bytes(48),
            Algorithm::Hs512 => self.has_bytes(64),
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => self == Self::Rsa,
            Algorithm::Es256 => self == Self::P256,
            Algorithm::Es384 => self == Self::P384,
            Algorithm::Es512 => self == Self::P521,
            Algorithm::EdDsa | Algorithm::Ed25519 => self == Self::Ed25519,
        }
    }

    const fn has_bytes(self, shortest: usize) -> bool {
        matches!(self, Self::Secret { bytes } if bytes >= shortest)
    }
}

// RFC 7517 §4.2 and §4.3. A back end looks at neither.
fn is_for_verifying(members: &Members) -> Result<(), String> {
    if members.contains_key("use") && text(members, "use")? != "sig" {
        return Err("use: the key is not for signatures".to_owned());
    }
    let verifies = |it: &Value| it.as_array().is_some_and(|it| it.iter().any(|it| it == "verify"));
    if members.get("key_ops").is_some_and(|it| !verifies(it)) {
        return Err("key_ops: the key is not for verifying".to_owned());
    }
    Ok(())
}

// RFC 7518 §6.3.1. What is shorter than 2,048 bits or can be factored is no protection; what is longer
// than 8,192 costs too much.
fn rsa(members: &Members) -> Result<DecodingKey, String> {
    let modulus = decoded(members, "n")?;
    // Some issuers write the zero byte that makes it positive in ASN.1.
    let n = without_leading_zeros(&modulus);
    let bits = n.len() * 8 - n.first().map_or(0, |it| it.leading_zeros() as usize);
    if !(2_048..=8_192).contains(&bits) {
        return Err(format!("n: {bits} bits are not 2048 to 8192"));
    }
    if n.last().is_none_or(|it| it % 2 == 0) || roca::is_weak(n) {
        return Err("n: the key can be factored".to_owned());
    }
    let exponent = decoded(members, "e")?;
    let e = without_leading_zeros(&exponent);
    let is_small = matches!(e, [] | [0..3]);
    if is_small || e.len() > 4 || e.last().is_none_or(|it| it % 2 == 0) {
        return Err("e: it is not an odd number from 3 to 2^32".to_owned());
    }
    Ok(DecodingKey::from_rsa_raw_components(n, e))
}

// The one algorithm that the key says it is for. Some issuers call ES512 after its curve.
fn pinned(name: &str, kind: Kind) -> Result<Algorithm, String> {
    match (name, kind) {
        ("ES521", Kind::P521) => Ok(Algorithm::Es512),
        (name, _) => name.parse().map_err(|it| format!("alg: {it}")),
    }
}

// RFC 7518 §6.2.1.
fn ec(members: &Members) -> Result<(Kind, Check), String> {
    let (kind, bytes) = match text(members, "crv")? {
        "P-256" => (Kind::P256, 32),
        "P-384" => (Kind::P384, 48),
        "P-521" if curves::HAS_P521 => (Kind::P521, 66),
        "P-521" => return Err("crv: P-521 takes the feature es512 of rrauth".to_owned()),
        _ => return Err("crv: it is none of P-256, P-384 and P-521".to_owned()),
    };
    let mut point = vec![UNCOMPRESSED];
    for name in ["x", "y"] {
        let coordinate = decoded(members, name)?;
        if coordinate.len() != bytes {
            return Err(format!("{name}: it has not {bytes} bytes"));
        }
        point.extend_from_slice(&coordinate);
    }
    let check = match kind {
        Kind::P521 => P521::at(&point).map(Check::P521),
        _ => curves::is_point(&point).then(|| Check::BackEnd(DecodingKey::from_ec_der(&point))),
    };
    Ok((kind, check.ok_or("x, y: they are no point of the curve")?))
}

// RFC 8037 §2.
fn ed25519(members: &Members) -> Result<DecodingKey, String> {
    if text(members, "crv")? != "Ed25519" {
        return Err("crv: it is not Ed25519".to_owned());
    }
    let point = decoded(members, "x")?;
    if point.len() != 32 {
        return Err("x: it has not 32 bytes".to_owned());
    }
    if curves::has_small_order(&point) {
        return Err("x: anybody can sign for this key".to_owned());
    }
    Ok(DecodingKey::from_ed_der(&point))
}

// RFC 7518 §6.4.
fn symmetric(members: &Members) -> Result<(Kind, Check), String> {
    let secret = Zeroizing::new(decoded(members, "k")?);
    let key = Key::secret(&secret).map_err(|it| format!("k: {it}"))?;
    Ok((key.kind, key.check))
}

fn decoded(members: &Members, name: &str) -> Result<Vec<u8>, String> {
    jws::decode(text(members, name)?).ok_or_else(|| format!("{name}: it is not base64url"))
}

fn text<'a>(members: &'a Members, name: &str) -> Result<&'a str, String> {
    let text = members.get(name).ok_or_else(|| format!("{name}: it is missing"))?;
    text.as_str().ok_or_else(|| format!("{name}: it is not a text"))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|it| **it == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// How many bytes a shared secret must have: what HS256 yields (RFC 7518 §3.2).
/// How long a header may be to be remembered as it is spelt, in bytes.
const LONGEST_REMEMBERED: usize = 1024;
const SHORTEST_SECRET: usize = 32;
// SEC 1 §2.3.3.
const UNCOMPRESSED: u8 = 4;
