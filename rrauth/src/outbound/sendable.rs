//! What a request can carry, checked when a credential is made rather than when it is sent.

use std::fmt;

use http::header::{self, HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// A credential that no request could carry, refused before any does. Names the field, never the
/// value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInjection {
    field: &'static str,
    problem: &'static str,
    header: Option<HeaderName>,
}

impl InvalidInjection {
    pub(crate) const fn new(field: &'static str, problem: &'static str) -> Self {
        Self { field, problem, header: None }
    }

    pub(crate) fn of(self, header: HeaderName) -> Self {
        Self { header: Some(header), ..self }
    }

    /// The argument that is wrong: `name`, `prefix`, `secret`, `username` or `password`.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// Of several headers, the one that is wrong.
    #[must_use]
    pub const fn header(&self) -> Option<&HeaderName> {
        self.header.as_ref()
    }
}

/// The header line of `prefix` and `secret`.
pub(crate) fn line(
    name: &HeaderName,
    prefix: &str,
    secret: &str,
) -> Result<HeaderValue, InvalidInjection> {
    check_name(name)?;
    check_secret(secret)?;
    check_prefix(prefix)?;
    value(prefix, secret)
}

/// The value of a header line of parts that have been checked.
pub(crate) fn value(prefix: &str, secret: &str) -> Result<HeaderValue, InvalidInjection> {
    let line = Zeroizing::new(format!("{prefix}{secret}"));
    let mut value = HeaderValue::from_str(&line)
        .map_err(|_| InvalidInjection::new("secret", "it cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(crate) fn check_name(name: &HeaderName) -> Result<(), InvalidInjection> {
    if NOT_OURS.contains(name) {
        return Err(InvalidInjection::new("name", "this header belongs to the connection"));
    }
    Ok(())
}

pub(crate) fn check_prefix(prefix: &str) -> Result<(), InvalidInjection> {
    if !prefix.bytes().all(is_printable) || prefix.starts_with(' ') {
        return Err(InvalidInjection::new("prefix", UNPRINTABLE));
    }
    Ok(())
}

pub(crate) fn check_secret(secret: &str) -> Result<(), InvalidInjection> {
    let problem = if secret.is_empty() {
        "it is empty"
    } else if secret.len() > LONGEST {
        TOO_LONG
    } else if !secret.bytes().all(is_printable) || secret.trim_matches(' ') != secret {
        // CR and LF would begin another header; bytes beyond ASCII are read in several ways; and
        // outer spaces are lost on the way (RFC 9110 §5.5).
        UNPRINTABLE
    } else {
        return Ok(());
    };
    Err(InvalidInjection::new("secret", problem))
}

pub(crate) fn check_parameter(name: &str) -> Result<(), InvalidInjection> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(InvalidInjection::new("name", "it must be visible text"));
    }
    Ok(())
}

// RFC 7617 §2. It lets either be empty, and vendors that want a key alone do.
pub(crate) fn check_user(username: &str, password: &str) -> Result<(), InvalidInjection> {
    for (field, value) in [("username", username), ("password", password)] {
        if value.chars().any(char::is_control) {
            return Err(InvalidInjection::new(field, "it holds a control character"));
        }
        if value.len() > LONGEST / 2 {
            return Err(InvalidInjection::new(field, "it is longer than 4 KiB"));
        }
    }
    if username.contains(':') {
        // The upstream would take what follows for the password.
        return Err(InvalidInjection::new("username", "it holds a colon"));
    }
    if username.is_empty() && password.is_empty() {
        return Err(InvalidInjection::new("password", "it is empty, and so is the username"));
    }
    Ok(())
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

impl fmt::Display for InvalidInjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, problem, header } = self;
        match header {
            None => write!(f, "{field}: {problem}"),
            Some(header) => write!(f, "{field} of {header}: {problem}"),
        }
    }
}

impl std::error::Error for InvalidInjection {}

const LONGEST: usize = 8 * 1024;
const TOO_LONG: &str = "it is longer than 8 KiB";
const UNPRINTABLE: &str = "only visible ASCII and inner spaces can be sent";
// A credential there would change where the message goes or where it ends.
const NOT_OURS: [HeaderName; 11] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORIZATION: HeaderName = header::AUTHORIZATION;

    #[test]
    fn what_no_request_can_carry_is_refused_by_field() {
        for bad in ["", "a\r\nb", "a\nb", "a\0", "a\u{7f}", "ä", "a\tb", " a", "a ", "\u{2028}"] {
            check(line(&AUTHORIZATION, "Bearer ", bad), "secret");
            check(check_secret(bad), "secret");
        }
        check(line(&AUTHORIZATION, "Bearer ", &"a".repeat(LONGEST + 1)), "secret");
        check(line(&AUTHORIZATION, "Bearer\r\n", "a"), "prefix");
        check(line(&AUTHORIZATION, " Bearer ", "a"), "prefix");
        check(line(&AUTHORIZATION, "Ü ", "a"), "prefix");
        check(line(&header::HOST, "", "a"), "name");
        check(line(&header::TRANSFER_ENCODING, "", "a"), "name");
        check(check_parameter(""), "name");
        check(check_parameter("a\n"), "name");
    }

    #[test]
    fn a_user_that_would_be_read_otherwise_is_refused_by_field() {
        check(check_user("a:b", "c"), "username");
        check(check_user("a\n", "c"), "username");
        check(check_user(&"a".repeat(LONGEST), "c"), "username");
        check(check_user("a", "c\r\n"), "password");
        check(check_user("a", "c\u{85}"), "password");
        check(check_user("a", &"c".repeat(LONGEST)), "password");
        check(check_user("", ""), "password");
        for (username, password) in [("a", "b:c"), ("", "b"), ("a", ""), ("ä", " ü ")] {
            assert_eq!(check_user(username, password), Ok(()), "{username} {password}");
        }
    }

    #[test]
    fn an_error_names_the_header_and_no_value() {
        let error = line(&AUTHORIZATION, "", "canary\n").unwrap_err().of(AUTHORIZATION);
        assert_eq!(error.to_string(), format!("secret of authorization: {UNPRINTABLE}"));
        assert_eq!(error.header(), Some(&AUTHORIZATION));
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[track_caller]
    fn check<T: fmt::Debug>(result: Result<T, InvalidInjection>, field: &str) {
        let error = result.unwrap_err();
        assert_eq!(error.field(), field);
        assert!(error.to_string().starts_with(field));
    }
}
