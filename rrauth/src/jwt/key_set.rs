//! The keys of one issuer, and which of them a token means.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::jwt::algorithm::JwtAlgorithm as Algorithm;
use crate::jwt::error::{InvalidJwkSet, JwtError, quoted};
use crate::jwt::header::Header;
use crate::jwt::jws::Jws;
use crate::jwt::key::Key;
use crate::strict_json;

/// The keys that an issuer signs with (JWKS, RFC 7517 §5), or the secret that it shares. A handle:
/// clones share the keys.
///
/// A key that cannot be used is left out, and [says why](Self::skipped): one that is not for verifying
/// (`use`, `key_ops`), of a kind or for an algorithm that is not ours, private, too short (RSA below
/// 2,048 bits), known to be weak, or with the feature `es512` no point of its curve. Two keys of one
/// `kid` are not told apart: no token that names it is believed.
///
/// ```
/// use rrauth::JwkSet;
///
/// let document = br#"{"keys":[
///     {"kty":"OKP","crv":"Ed25519","kid":"new","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///     {"kty":"EC","crv":"secp256k1","kid":"old","x":"AA","y":"AA"}
/// ]}"#;
/// let keys = JwkSet::parse_public(document)?;
/// assert_eq!(keys.len(), 1);
/// assert_eq!(keys.skipped(), ["keys/1 \"old\": crv: it is none of P-256, P-384 and P-521"]);
/// # Ok::<_, rrauth::InvalidJwkSet>(())
/// ```
#[derive(Clone)]
pub struct JwkSet {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Vec<Key>,
    skipped: Vec<String>,
    revision: Revision,
}

/// Tells sets apart: equal for what was parsed from the same bytes in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revision([u8; 16]);

impl JwkSet {
    /// The public keys of a document of at most 64 KiB and 32 keys, which may come from anywhere:
    /// symmetric keys in it are left out, since whoever can read them can sign.
    ///
    /// # Errors
    /// When it is not a JWKS, too large, or none of its keys can be used.
    pub fn parse_public(document: &[u8]) -> Result<Self, InvalidJwkSet> {
        Self::parse(document, Trust::Public)
    }

    /// As [`parse_public`](Self::parse_public), but of an operator's own document, which may hold
    /// symmetric keys (`oct`, of 32 bytes or more) instead of public ones.
    ///
    /// # Errors
    /// As there, and when it holds both kinds: a public key in the wrong place would be a secret that
    /// everybody knows.
    pub fn parse_inline(document: &[u8]) -> Result<Self, InvalidJwkSet> {
        Self::parse(document, Trust::Operator)
    }

    /// The secret that the issuer shares: 32 bytes or more for HS256, 48 for HS384, 64 for HS512
    /// (RFC 7518 §3.2). Tokens may name any `kid`.
    ///
    /// # Errors
    /// When it is shorter than 32 bytes.
    pub fn shared_secret(secret: &[u8]) -> Result<Self, InvalidJwkSet> {
        let key = Key::secret(secret).map_err(InvalidJwkSet::new)?;
        let revision = Revision::of("secret", secret);
        Ok(Self { inner: Arc::new(Inner { keys: vec![key], skipped: Vec::new(), revision }) })
    }

    /// How many keys can be used; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set without a key is refused")]
    pub fn len(&self) -> usize {
        self.inner.keys.len()
    }

    /// Which keys were left out, and why: for the operator.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.inner.skipped
    }

    /// Whether some key may be used with `algorithm`.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.inner.keys.iter().any(|it| it.fits(algorithm))
    }

    pub(crate) fn revision(&self) -> Revision {
        self.inner.revision
    }

    /// What the header of `jws` says, if a token with the same one was verified before.
    pub(super) fn known_header(&self, jws: &Jws<'_>) -> Option<&Header> {
        self.inner.keys.iter().find_map(|it| it.header(jws))
    }

    /// The one key that a token with this header means.
    pub(super) fn select(&self, header: &Header) -> Result<&Key, JwtError> {
        let has_names = self.inner.keys.iter().any(|it| it.kid.is_some());
        let key = match &header.kid {
            Some(kid) if has_names => self.called(kid)?,
            // It names none, or there are no names to choose by.
            Some(_) | None => self.fitting(header.algorithm)?,
        };
        if !header.thumbprints.agree_with(&key.thumbprints) {
            return Err(JwtError::invalid("the header names a certificate that the key has not"));
        }
        Ok(key)
    }

    fn called(&self, kid: &str) -> Result<&Key, JwtError> {
        let called = self.inner.keys.iter().filter(|it| it.kid.as_deref() == Some(kid));
        match Choice::among(called) {
            Choice::One(key) => Ok(key),
            Choice::Many => Err(JwtError::invalid(format!("kid: {} is two keys", quoted(kid)))),
            Choice::Nothing => {
                let reason = format!("kid: {} is no key of the issuer", quoted(kid));
                Err(JwtError::unknown_key(reason))
            }
        }
    }

    fn fitting(&self, algorithm: Algorithm) -> Result<&Key, JwtError> {
        let fitting = || self.inner.keys.iter().filter(|it| it.fits(algorithm));
        if let Choice::One(key) = Choice::among(fitting().filter(|it| it.kid.is_none())) {
            return Ok(key);
        }
        match Choice::among(fitting()) {
            Choice::One(key) => Ok(key),
            Choice::Many => Err(JwtError::invalid("kid: it is missing, and several keys fit")),
            Choice::Nothing => {
                let reason = format!("alg: the issuer has no key for {algorithm}");
                Err(JwtError::unknown_key(reason))
            }
        }
    }

    fn parse(document: &[u8], trust: Trust) -> Result<Self, InvalidJwkSet> {
        let listed = list(document)?;
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for (index, text) in listed.iter().enumerate() {
            match read(text.get(), trust) {
                Ok(key) => keys.push(key),
                Err((kid, problem)) => skipped.push(format!("keys/{index}{kid}: {problem}")),
            }
        }
        if keys.iter().any(Key::is_public) && keys.iter().any(|it| !it.is_public()) {
            return Err(InvalidJwkSet::new("the set has both public and symmetric keys"));
        }
        if keys.is_empty() {
            let why = skipped.first().map_or("it has none", String::as_str);
            return Err(InvalidJwkSet::new(format!("no key of the set can be used: {why}")));
        }
        let revision = Revision::of(trust.name(), document);
        Ok(Self { inner: Arc::new(Inner { keys, skipped, revision }) })
    }
}

/// Whose document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Public,
    Operator,
}

impl Trust {
    const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Operator => "inline",
        }
    }
}

impl Revision {
    fn of(origin: &str, content: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(origin)
            .chain_update([0])
            .chain_update(content)
            .finalize()
            .into();
        let mut half = [0; 16];
        half.copy_from_slice(digest.first_chunk::<16>().unwrap_or(&[0; 16]));
        Self(half)
    }
}

// Each key by itself: one that cannot be read is not the others' fault.
fn list(document: &[u8]) -> Result<Vec<&RawValue>, InvalidJwkSet> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }
    if document.len() > LARGEST_SET {
        return Err(InvalidJwkSet::new("the set is larger than 64 KiB"));
    }
    // `serde` would read a struct from an array too.
    let is_object = document.trim_ascii_start().starts_with(b"{");
    let parsed = serde_json::from_slice(document).ok().filter(|_| is_object);
    let Document { keys } =
        parsed.ok_or(InvalidJwkSet::new("it is not a JSON object with one list called keys"))?;
    if keys.len() > MOST_KEYS {
        return Err(InvalidJwkSet::new(format!("the set has more than {MOST_KEYS} keys")));
    }
    Ok(keys)
}

// A key, or what it calls itself and why it cannot be used.
fn read(text: &str, trust: Trust) -> Result<Key, (String, String)> {
    let members = strict_json::object(text.as_bytes());
    let members = members.map_err(|it| (String::new(), it.to_owned()))?;
    let kid = members.get("kid").and_then(|it| it.as_str());
    let named = kid.map_or(String::new(), |it| format!(" {}", quoted(it)));
    let key = match Key::read(members) {
        Ok(key) => key,
        Err(problem) => return Err((named, problem)),
    };
    match (trust, key.is_public()) {
        (Trust::Public, false) => Err((named, "kty: a symmetric key is published".to_owned())),
        (Trust::Public, true) | (Trust::Operator, true | false) => Ok(key),
    }
}

enum Choice<'a> {
    Nothing,
    One(&'a Key),
    Many,
}

impl<'a> Choice<'a> {
    fn among(mut keys: impl Iterator<Item = &'a Key>) -> Self {
        match (keys.next(), keys.next()) {
            (None, _) => Self::Nothing,
            (Some(key), None) => Self::One(key),
            (Some(_), Some(_)) => Self::Many,
        }
    }
}

impl fmt::Debug for JwkSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids: Vec<_> = self.inner.keys.iter().map(|it| it.kid.as_deref()).collect();
        f.debug_struct("JwkSet")
            .field("keys", &kids)
            .field("skipped", &self.inner.skipped)
            .finish_non_exhaustive()
    }
}

const LARGEST_SET: usize = 64 * 1024;
const MOST_KEYS: usize = 32;
