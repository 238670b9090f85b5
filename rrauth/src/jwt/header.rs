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
    /// `typ`, a media type.
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
        let members =
            strict_json::members(&jws.decoded_header()?, ["alg", "kid", "typ", X5T, X5T_S256]);
        let ([algorithm, kid, kind, x5t, x5t_s256], others) =
            members.map_err(|it| JwtError::invalid(format!("the header: {it}")))?;
        if let Some(refused) = others.iter().find(|it| REFUSED.contains(&it.as_str())) {
            return Err(JwtError::invalid(format!("the header has {refused}")));
        }
        let algorithm = text("alg", algorithm)?;
        let algorithm = algorithm.ok_or(JwtError::invalid("alg: it is missing"))?.parse();
        Ok(Self {
            algorithm: algorithm.map_err(|it| JwtError::invalid(format!("alg: {it}")))?,
            kid: text("kid", kid)?,
            kind: text("typ", kind)?,
            thumbprints: Thumbprints([text(X5T, x5t)?, text(X5T_S256, x5t_s256)?]),
        })
    }
}

impl Thumbprints {
    pub(super) fn take(members: &mut Map<String, Value>) -> Result<Self, JwtError> {
        let [x5t, x5t_s256] = [X5T, X5T_S256].map(|it| text(it, members.remove(it)));
        Ok(Self([x5t?, x5t_s256?]))
    }

    /// Whether all that `self` names is what `key` has.
    pub(super) fn agree_with(&self, key: &Self) -> bool {
        let Self(ours) = self;
        ours.iter().zip(&key.0).all(|(said, key)| said.is_none() || said == key)
    }
}

/// Whether two media types are one, as `typ` is compared (RFC 7515 §4.1.9): `application/` is left out
/// or not, and case does not count.
pub(super) fn is_same_type(one: &str, other: &str) -> bool {
    fn bare(typ: &str) -> &str {
        let (prefix, rest) = typ.split_at_checked(APPLICATION.len()).unwrap_or_default();
        if prefix.eq_ignore_ascii_case(APPLICATION) { rest } else { typ }
    }
    bare(one).eq_ignore_ascii_case(bare(other))
}

fn text(name: &str, value: Option<Value>) -> Result<Option<String>, JwtError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) if (1..=LONGEST).contains(&text.len()) => Ok(Some(text)),
        Some(_) => {
            Err(JwtError::invalid(format!("{name}: it is not a text of 1 to {LONGEST} bytes")))
        }
    }
}

const X5T: &str = "x5t";
const X5T_S256: &str = "x5t#S256";
const APPLICATION: &str = "application/";
/// How many bytes the id of a key may have.
pub(super) const LONGEST: usize = 256;

// Extensions, of which we understand none (RFC 7515 §4.1.11; `b64` is RFC 7797 and without `crit` is
// wrong too); keys and where to fetch them, which only our own set may say; what was encrypted (`enc`),
// compressed (`zip`) or nested (`cty`, RFC 7519 §5.2).
const REFUSED: [&str; 9] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip", "cty"];
