//! The URLs that secrets are sent to.

use http::Uri;
use http::uri::Scheme;

use crate::oauth2::invalid::InvalidGrant;

/// The absolute URL in `text`: https, or http where that is allowed; without user information, and
/// without a fragment (RFC 6749 §3.2).
pub(crate) fn parse(field: &'static str, text: &str, plaintext: bool) -> Result<Uri, InvalidGrant> {
    let invalid = |problem| InvalidGrant::new(field, problem);
    if text.contains('#') {
        return Err(invalid("it has a fragment"));
    }
    let uri: Uri = text.parse().map_err(|_| invalid(NOT_A_URL))?;
    let authority = uri.authority().ok_or_else(|| invalid(NOT_A_URL))?;
    if authority.as_str().contains('@') {
        return Err(invalid("it has user information"));
    }
    if authority.host().is_empty() {
        return Err(invalid(NOT_A_URL));
    }
    match uri.scheme() {
        Some(it) if *it == Scheme::HTTPS => Ok(uri),
        Some(it) if *it == Scheme::HTTP && plaintext => Ok(uri),
        Some(it) if *it == Scheme::HTTP => Err(invalid("it is plain http, which is not allowed")),
        Some(_) | None => Err(invalid(NOT_A_URL)),
    }
}

const NOT_A_URL: &str = "it is not an https URL";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_to_https_only_unless_told() {
        check("https://auth.test/token?x=1", false, None);
        check("http://auth.test/token", true, None);
        check("http://auth.test/token", false, Some("it is plain http, which is not allowed"));
        check("https://u:canary@auth.test/", true, Some("it has user information"));
        check("https://auth.test/#a", true, Some("it has a fragment"));
        for bad in ["", "/token", "auth.test", "auth.test:443", "file:///x", "https://", "ftp://a/"]
        {
            check(bad, true, Some(NOT_A_URL));
        }
        check("https://auth.test/\r\nx: y", true, Some(NOT_A_URL));
    }

    #[track_caller]
    fn check(text: &str, plaintext: bool, problem: Option<&str>) {
        let error = parse("tokenUrl", text, plaintext).err().map(|it| it.to_string());
        assert_eq!(error, problem.map(|it| format!("tokenUrl: {it}")), "{text}");
    }
}
