//! Who may use the API: whoever shows the owner's token.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::control_plane::api::problem::{Problem, UNAUTHENTICATED};
use crate::control_plane::store::owner::Owner;

/// Asks for `Authorization: Bearer` with the owner's token (RFC 6750).
pub(crate) fn authenticate(owner: &Owner, headers: &HeaderMap) -> Result<(), Problem> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (line, another) = (lines.next(), lines.next());
    let Some(line) = line else {
        return Err(Problem::new(UNAUTHENTICATED).challenge(MISSING));
    };
    let token = bearer(line.as_bytes()).filter(|it| another.is_none() && owner.is(it));
    if token.is_none() {
        tracing::warn!("a token was refused");
        return Err(Problem::new(UNAUTHENTICATED).challenge(WRONG));
    }
    Ok(())
}

fn bearer(line: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = line.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

const MISSING: &str = "Bearer realm=\"rrgateway\"";
const WRONG: &str = "Bearer realm=\"rrgateway\", error=\"invalid_token\"";
