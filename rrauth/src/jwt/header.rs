//! The header of a token: what it may say, and what it must not.

use serde_json::{Map, Value};

use crate::jwt::algorithm::JwtAlgorithm;
use crate::jwt::error::JwtError;
use crate::jwt::jws::Jws;
use crate::strict_json;

/// The header of a token (RFC 7515 §4), as far as it counts.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) algorithm: JwtAlgorithm,
    pub(super) kid: Option<String>,
    /// Of media types, `application/` left out and in lower case.
    pub(super) kind: Option<String>,
    /// `x5t` and `x5t#S256`.
    pub(super) thumbprints: Thumbprints,
}

/// The digests of a key's certificate that a token or a key names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Thumbprints([Option<String>; 2]);

impl Header {
    /// Reads the header of `jws`. Members that are not known are passed over (RFC 7515 §4); those that
    /// would change what is verified, or with what, are refused.
    pub(super) fn read(jws: &Jws<'_>) -> Result<Self, JwtError> {
        let members = strict_json::object(&jws.header()?);
        let members = members.map_err(|it| JwtError::invalid(format!("the header: {it}")))?;
        if let Some(refused) = REFUSED.iter().find(|it| members.contains_key(**it)) {
            return Err(JwtError::invalid(format!("the header has {refused}")));
        }
        let algorithm = text(&members, "alg")?.ok_or(JwtError::invalid("alg: it is missing"))?;
        let algorithm = algorithm.parse();
        Ok(Self {
            algorithm: algorithm.map_err(|it| JwtError::invalid(format!("alg: {it}")))?,
            kid: text(&members, "kid")?.map(str::to_owned),
            kind: text(&members, "typ")?.map(media_type),
            thumbprints: Thumbprints::read(&members)?,
        })
    }
}

impl Thumbprints {
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, JwtError> {
        let owned = |name| Ok(text(members, name)?.map(str::to_owned));
        Ok(Self([owned("x5t")?, owned("x5t#S256")?]))
    }

    /// Whether all that `self` names is what `key` has.
    pub(super) fn agree_with(&self, key: &Self) -> bool {
        let Self(ours) = self;
        ours.iter().zip(&key.0).all(|(said, key)| said.is_none() || said == key)
    }
}

/// How `typ` is compared (RFC 7515 §4.1.9): media types, in which case does not count.
pub(super) fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map_or_else(|| lower.clone(), str::to_owned)
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, JwtError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=LONGEST).contains(&text.len()) => Ok(Some(text)),
        Some(_) => {
            Err(JwtError::invalid(format!("{name}: it is not a text of 1 to {LONGEST} bytes")))
        }
    }
}

/// How many bytes the id of a key may have.
pub(super) const LONGEST: usize = 256;

// Extensions, of which we understand none (RFC 7515 §4.1.11; `b64` is RFC 7797 and without `crit` is
// wrong too); keys and where to fetch them, which only our own set may say; what was encrypted (`enc`),
// compressed (`zip`) or nested (`cty`, RFC 7519 §5.2).
const REFUSED: [&str; 9] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip", "cty"];
