//! What a rejected caller is told.

use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use rrcore::{Code, Fact, Refusal};

use crate::inbound::judge::Rejection;

/// The `WWW-Authenticate` lines of one realm (RFC 6750 §3).
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    missing: HeaderValue,
    invalid: HeaderValue,
}

impl Challenge {
    pub(crate) fn new(realm: &str) -> Self {
        let realm = quoted(realm);
        Self {
            missing: line(&format!("Bearer realm=\"{realm}\"")),
            // Something was shown, and was no good (RFC 6750 §3.1).
            invalid: line(&format!("Bearer realm=\"{realm}\", error=\"invalid_token\"")),
        }
    }

    /// The answer to a rejected caller, and what goes on record.
    pub(crate) fn answer(&self, rejection: Rejection) -> (Refusal, Vec<Fact>) {
        let (refusal, kind, outcome) = match rejection {
            Rejection::Missing => {
                (refusal(Code::CredentialMissing, Some(&self.missing)), "", "missing")
            }
            Rejection::Invalid(reason) => (
                refusal(Code::CredentialInvalid, Some(&self.invalid)).because(reason),
                "",
                "invalid",
            ),
            Rejection::Expired(kind, reason) => {
                let refusal = refusal(Code::CredentialExpired, Some(&self.invalid));
                (refusal.because(reason), kind.as_str(), "expired")
            }
            Rejection::Unavailable(reason) => {
                (refusal(Code::AuthUnavailable, None).because(reason), "", "unavailable")
            }
        };
        (refusal, vec![Fact::Auth { kind, outcome }])
    }
}

fn refusal(code: Code, challenge: Option<&HeaderValue>) -> Refusal {
    let refusal = Refusal::new(code);
    match challenge {
        Some(line) => refusal.header(WWW_AUTHENTICATE, line.clone()),
        None => refusal,
    }
}

fn line(text: &str) -> HeaderValue {
    // Never fails: `quoted` lets only visible ASCII and spaces through.
    HeaderValue::try_from(text).unwrap_or(const { HeaderValue::from_static("Bearer") })
}

// RFC 9110 §5.6.4.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            ' '..='~' => quoted.push(char),
            _ => quoted.push('?'),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        let challenge = Challenge::new("a\"b\\c\r\nX: é");
        assert_eq!(challenge.missing, r#"Bearer realm="a\"b\\c??X: ?""#);
    }
}
