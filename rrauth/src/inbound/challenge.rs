//! What a rejected caller is told.

use std::time::Duration;

use http::HeaderValue;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use rrcore::{Code, Fact, Refusal};

use crate::inbound::judge::Rejection;

/// The `WWW-Authenticate` lines of one realm (RFC 6750 §3, RFC 7617 §2).
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    missing: HeaderValue,
    invalid: HeaderValue,
    basic: HeaderValue,
    asks_for_passwords: bool,
}

impl Challenge {
    pub(crate) fn new(realm: &str) -> Self {
        let realm = quoted(realm);
        Self {
            missing: line(&format!("Bearer realm=\"{realm}\"")),
            // Something was shown, and was no good (RFC 6750 §3.1).
            invalid: line(&format!("Bearer realm=\"{realm}\", error=\"invalid_token\"")),
            basic: line(&format!("Basic realm=\"{realm}\", charset=\"UTF-8\"")),
            asks_for_passwords: false,
        }
    }

    /// The same for another realm.
    pub(crate) fn renamed(&self, realm: &str) -> Self {
        Self { asks_for_passwords: self.asks_for_passwords, ..Self::new(realm) }
    }

    /// Says that `Basic` would do, too.
    pub(crate) const fn ask_for_passwords(&mut self) {
        self.asks_for_passwords = true;
    }

    /// The answer to a rejected caller, and what goes on record.
    pub(crate) fn answer(&self, rejection: Rejection) -> (Refusal, Fact) {
        let (refusal, kind, outcome) = match rejection {
            Rejection::TooOften(wait) => (too_often(wait), "", "tooOften"),
            Rejection::Missing => (self.ask(Code::CredentialMissing, &self.missing), "", "missing"),
            Rejection::Invalid(reason) => {
                (self.ask(Code::CredentialInvalid, &self.invalid).because(reason), "", "invalid")
            }
            Rejection::Expired(kind, reason) => {
                (self.ask(Code::CredentialExpired, &self.invalid).because(reason), kind, "expired")
            }
            Rejection::Unavailable(reason) => {
                let refusal = Refusal::new(Code::AuthUnavailable).because(reason);
                (refusal.header(RETRY_AFTER, SOON), "", "unavailable")
            }
        };
        (refusal, Fact::Auth { kind, outcome })
    }

    fn ask(&self, code: Code, bearer: &HeaderValue) -> Refusal {
        let refusal = Refusal::new(code).header(WWW_AUTHENTICATE, bearer.clone());
        match self.asks_for_passwords {
            true => refusal.header(WWW_AUTHENTICATE, self.basic.clone()),
            false => refusal,
        }
    }
}

// Whole seconds, rounded up: never sooner than it is worth.
fn too_often(wait: Duration) -> Refusal {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    Refusal::new(Code::QuotaExceeded)
        .because("too many failed authentications")
        .header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
        .member("violated-policies", vec!["authFailuresPerMinute".to_owned()])
        .member("retryAfterSeconds", seconds.max(1))
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

// A key server that is away, or too many slow checks at once.
const SOON: HeaderValue = HeaderValue::from_static("1");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        let challenge = Challenge::new("a\"b\\c\r\nX: é");
        assert_eq!(challenge.missing, r#"Bearer realm="a\"b\\c??X: ?""#);
    }

    #[test]
    fn for_ever_is_a_time_to_wait() {
        let refusal = too_often(Duration::MAX);
        assert_eq!(refusal.get_member("retryAfterSeconds"), Some(&u64::MAX.into()));
    }
}
