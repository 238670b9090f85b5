//! Which tokens of an issuer are believed.

use std::time::Duration;

use crate::claims::Claims;
use crate::jwt::algorithm::JwtAlgorithm;
use crate::jwt::claim_rules::ClaimRules;
use crate::jwt::error::JwtError;
use crate::jwt::header::{Header, is_same_type};
use crate::jwt::jws::Jws;
use crate::jwt::key_set::JwkSet;
use crate::jwt::times::Times;
use crate::jwt::verified::Verified;
use crate::strict_json::plain::Plain;

/// Which tokens of one issuer are believed: signed how, and saying what. Checked when it is built.
///
/// A token is a JWS in compact form (RFC 7515 §7.1) of at most 8 KiB, without extensions, whose header
/// and payload are JSON objects of one reading. It has `iss`, `exp`, and what the policy asks for;
/// `nbf` and `iat` must not lie ahead; and no claim that is looked at may have another type than
/// RFC 7519 gives it. Its header may name a certificate (`x5t`) only if its key names the same.
///
/// ```
/// use std::time::Duration;
/// use rrauth::{JwkSet, JwtAlgorithm, JwtPolicy};
///
/// // RFC 7515 §A.1: a token that expired in 2011.
/// let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
///              eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
///              dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// let keys = JwkSet::parse_inline(br#"{"keys":[{"kty":"oct",
///     "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}"#)?;
/// let policy = JwtPolicy::builder("joe")
///     .algorithms([JwtAlgorithm::Hs256])
///     .required_claim("http://example.com/is_root", [true])
///     .build()?;
///
/// let verified = policy.verify(token, &keys, Duration::from_secs(1_300_819_000))?;
/// assert_eq!(verified.expires_at, Duration::from_secs(1_300_819_440), "60 s of leeway");
/// let late = policy.verify(token, &keys, Duration::from_secs(1_300_819_440)).unwrap_err();
/// assert!(late.is_expired());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwtPolicy {
    pub(super) algorithms: Vec<JwtAlgorithm>,
    pub(super) types: Option<Vec<String>>,
    pub(super) leeway: Duration,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) rules: ClaimRules,
}

impl JwtPolicy {
    /// The exact `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.rules.issuer
    }

    /// The algorithms that tokens may be signed with.
    #[must_use]
    pub fn algorithms(&self) -> &[JwtAlgorithm] {
        &self.algorithms
    }

    /// Whom `token` says it is from, to find the policy for it. **Nothing is verified.** `None` for
    /// what [`verify`](Self::verify) would refuse anyway, such as more than 8 KiB.
    #[must_use]
    pub fn peek_issuer(token: &str) -> Option<String> {
        let payload = Jws::split(token).ok()?.payload().ok()?;
        let claims = Plain::read(&payload).ok()?;
        claims.get("iss")?.text().map(str::to_owned)
    }

    /// Whether `token`, signed by one of `keys`, is believed at `wall` (time since the Unix epoch).
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(&self, token: &str, keys: &JwkSet, wall: Duration) -> Result<Verified, JwtError> {
        let jws = Jws::split(token)?;
        let payload = jws.payload()?;
        // The issuer first: what another's token looks like is not for us to say.
        let claims = Plain::read(&payload);
        let claims = claims.map_err(|it| JwtError::invalid(format!("the payload: {it}")))?;
        self.rules.check_issuer(&claims)?;
        self.check_signature(&jws, keys)?;

        let times = Times::read(&claims)?;
        if let Some(longest) = self.max_lifetime {
            times.lives_at_most(longest)?;
        }
        let subject = self.rules.check(&claims)?;
        let (starts_at, expires_at) = times.window(self.leeway);
        if wall < starts_at {
            return Err(JwtError::invalid("nbf, iat: the token is not valid yet"));
        }
        // Last: only a token that is right in all else is said to be too old.
        if wall >= expires_at {
            return Err(JwtError::expired());
        }
        Ok(Verified { claims: Claims::written(payload), subject, expires_at, starts_at })
    }

    fn check_signature(&self, jws: &Jws<'_>, keys: &JwkSet) -> Result<(), JwtError> {
        let verify = |header: &Header| {
            self.check_header(header)?;
            let key = keys.select(header)?;
            key.verify(jws, header.algorithm).map(|()| key)
        };
        if let Some(header) = keys.known_header(jws) {
            return verify(header).map(drop);
        }
        let header = Header::read(jws)?;
        verify(&header)?.remember(jws, header);
        Ok(())
    }

    fn check_header(&self, header: &Header) -> Result<(), JwtError> {
        if !self.algorithms.contains(&header.algorithm) {
            let reason = format!("alg: {} is not allowed", header.algorithm);
            return Err(JwtError::invalid(reason));
        }
        let fits = match (header.kind.as_deref(), &self.types) {
            (Some(kind), Some(types)) => types.iter().any(|it| is_same_type(it, kind)),
            (None, Some(_)) => false,
            // RFC 7519 §5.1, RFC 9068 §2.1; others are made for other ends (RFC 8725 §3.11).
            (Some(kind), None) => is_same_type(kind, "JWT") || is_same_type(kind, "at+jwt"),
            (None, None) => true,
        };
        if fits {
            Ok(())
        } else {
            Err(JwtError::invalid("typ: it is not of the type that is wanted"))
        }
    }
}
