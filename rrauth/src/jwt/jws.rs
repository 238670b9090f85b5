//! A signed token in its compact form (RFC 7515 §7.1), read as strictly as it can be.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::jwt::error::JwtError;

/// The three parts of a token, not yet decoded.
#[derive(Clone, Copy)]
pub(super) struct Jws<'a> {
    /// What was signed: the header, a dot, the payload.
    pub(super) signed: &'a str,
    pub(super) header: &'a str,
    payload: &'a str,
    /// As it stands there; whoever verifies it decodes it.
    pub(super) signature: &'a str,
}

impl<'a> Jws<'a> {
    /// Splits a token of at most [`LONGEST_TOKEN`] bytes.
    pub(super) fn split(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > LONGEST_TOKEN {
            return Err(JwtError::invalid("the token is longer than 8 KiB"));
        }
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            (!payload.contains('.')).then_some(Self { signed, header, payload, signature })
        });
        parts.ok_or(JwtError::foreign("the token has not three parts"))
    }

    pub(super) fn decoded_header(&self) -> Result<Vec<u8>, JwtError> {
        decode(self.header).ok_or(JwtError::invalid("the header is not base64url"))
    }

    pub(super) fn payload(&self) -> Result<Vec<u8>, JwtError> {
        decode(self.payload).ok_or(JwtError::invalid("the payload is not base64url"))
    }
}

// Without padding, and with the unused bits of the last character zero (RFC 7515 §2, RFC 4648 §3.5):
// one token has one spelling.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// How many bytes a token may have; more are refused unread.
pub(super) const LONGEST_TOKEN: usize = 8 * 1024;
