//! What may be a secret, and what is kept of one: never the secret.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rrauth::KeyDigest;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::control_plane::wire::fields::Node;

/// What the store keeps of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretState {
    /// Grows with each new secret.
    pub(crate) version: u32,
    /// 8 hex digits of a MAC under a key of the vault's: they say nothing of the secret but whether
    /// it is the same one.
    pub(crate) fingerprint: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) rotated_at_ms: i64,
    /// Of a caller's secret, so that it can be recognised; the vault has the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<SecretDigest>,
    /// Of a caller's password: Argon2id, as a PHC string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<String>,
    /// The one before, where it is still good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<PreviousSecret>,
}

/// A caller's secret that a rotation left valid for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PreviousSecret {
    pub(crate) version: u32,
    /// Milliseconds since the Unix epoch: from then on it is refused.
    pub(crate) until_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<SecretDigest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<String>,
}

impl SecretState {
    /// This, as what is left of it for the time of grace.
    pub(crate) fn until(self, until_ms: i64) -> PreviousSecret {
        let Self { version, digest, hash, .. } = self;
        PreviousSecret { version, until_ms, digest, hash }
    }
}

/// The digest of a caller's secret, stored as hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct SecretDigest(pub(crate) KeyDigest);

impl SecretDigest {
    pub(crate) fn of(secret: &str) -> Self {
        Self(KeyDigest::of(secret))
    }
}

impl TryFrom<String> for SecretDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        KeyDigest::from_hex(&text).map(Self).ok_or("a digest is 64 hex digits")
    }
}

impl From<SecretDigest> for String {
    fn from(digest: SecretDigest) -> Self {
        digest.0.to_hex()
    }
}

/// A caller's secret: long enough that guessing is no way in (the gateway keeps a fast digest).
pub(crate) fn callers_secret(node: Node<'_>) -> Option<Zeroizing<String>> {
    node.parsed(24..=LONGEST, |text| {
        // What cannot be shown, or carries the checksum of another key, would never authenticate.
        let is_showable = rrauth::is_showable(&text);
        is_showable.then_some(text).ok_or(
            "expected visible ASCII without comma and quote; a key that starts with rr_live_ must \
             be whole",
        )
    })
}

/// A secret that is sent upstream: what a header value can hold (RFC 9110 §5.5), in ASCII.
pub(crate) fn upstream_secret(node: Node<'_>) -> Option<Zeroizing<String>> {
    node.parsed(1..=LONGEST, |text| {
        let is_ascii = text.bytes().all(|it| it == b' ' || it.is_ascii_graphic());
        let is_whole = text.trim().len() == text.len();
        (is_ascii && is_whole)
            .then_some(text)
            .ok_or("expected visible ASCII characters, without spaces at its ends")
    })
}

/// A password that is sent upstream encoded (RFC 7617): any text without control characters, also
/// none, for vendors that want a user name only.
pub(crate) fn password(node: Node<'_>) -> Option<Zeroizing<String>> {
    node.secret(0..=LONGEST / 2)
}

/// Several secrets as one: a JSON object of their values, by names in lower case.
pub(crate) fn table<'a>(secrets: impl Iterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let members: BTreeMap<_, _> =
        secrets.map(|(name, secret)| (name.to_ascii_lowercase(), secret)).collect();
    // Made in one piece: growing would leave copies behind that nobody wipes.
    let most: usize = members.iter().map(|(name, it)| name.len() + 2 * it.len() + 6).sum();
    let mut text = Vec::with_capacity(most + 2);
    // Writing texts to a Vec does not fail, nor is what it writes anything but text.
    _ = serde_json::to_writer(&mut text, &members);
    Zeroizing::new(String::from_utf8(text).unwrap_or_default())
}

/// A client's secret: any text without control characters (RFC 6749 §2.3.1 encodes it).
pub(crate) fn client_secret(node: Node<'_>) -> Option<Zeroizing<String>> {
    node.secret(1..=LONGEST / 2)
}

/// `{"base64"}`, of `least` bytes or more, as standard base64.
pub(crate) fn bytes(node: Node<'_>, least: usize) -> Option<Zeroizing<String>> {
    let mut fields = node.object()?;
    let bytes = fields.required("base64", |it| {
        it.parsed(1..=LONGEST, |text| {
            let bytes = Zeroizing::new(STANDARD.decode(text.as_bytes()).unwrap_or_default());
            (bytes.len() >= least)
                .then(|| Zeroizing::new(STANDARD.encode(&*bytes)))
                .ok_or_else(|| format!("expected base64 of {least} bytes or more"))
        })
    });
    fields.close();
    bytes
}

const LONGEST: usize = 8 * 1024;
