//! What a token endpoint answers (RFC 6749 §5).

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::oauth2::document;
use crate::oauth2::schedule;
use crate::outbound::token::Token;

/// What was issued.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) access: Token,
    pub(crate) life: Option<Duration>,
    pub(crate) refresh: Option<Zeroizing<String>>,
    pub(crate) scope: Option<String>,
}

/// Reads an answer; the error is for the operator, and holds nothing of the answer's.
pub(crate) fn issued(answer: &Response<Bytes>) -> Result<Issued, String> {
    let members = object(answer)?;
    let kind = members.get("token_type").and_then(Value::as_str).ok_or("there is no token_type")?;
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err("the token_type is not bearer".to_owned());
    }
    let life = match members.get("expires_in") {
        None | Some(Value::Null) => None,
        Some(value) => Some(life(value)?),
    };
    let refresh = members.get("refresh_token").and_then(Value::as_str);
    let refresh = refresh.map(|it| Zeroizing::new(it.to_owned()));
    let scope = members.get("scope").and_then(Value::as_str).map(str::to_owned);
    let access = token(members.get("access_token").ok_or("there is no access_token")?)?;
    Ok(Issued { access, life, refresh, scope })
}

/// The refresh token of a successful answer, whatever else is wrong with it: the one before may be
/// worth nothing by now.
pub(crate) fn rotated(answer: &Response<Bytes>) -> Option<Zeroizing<String>> {
    let members = object(answer).ok()?;
    let text = members.get("refresh_token")?.as_str()?;
    (!text.is_empty()).then(|| Zeroizing::new(text.to_owned()))
}

/// The object that a successful answer is.
pub(crate) fn object(answer: &Response<Bytes>) -> Result<Map<String, Value>, String> {
    let status = answer.status();
    if answer.body().len() > LONGEST {
        return Err("its answer is longer than 64 KiB".to_owned());
    }
    // A redirection too: where secrets go is configuration, not for the endpoint to say.
    if status != StatusCode::OK {
        let word = error_word(answer.body()).map_or_else(String::new, |it| format!(" {it}"));
        return Err(format!("it answered {}{word}", status.as_u16()));
    }
    match document::parse(answer.body()) {
        Some(Value::Object(members)) => Ok(members),
        Some(_) | None => {
            Err("its answer is not a JSON object without repeated members".to_owned())
        }
    }
}

/// The token that a value is.
pub(crate) fn token(value: &Value) -> Result<Token, String> {
    let text = value.as_str().ok_or("the token is not a text")?;
    if !text.bytes().all(|it| it.is_ascii_graphic()) {
        // CR and LF would begin another header.
        return Err("the token is not visible ASCII".to_owned());
    }
    Token::new(text).map_err(|error| format!("the token cannot be sent: {error}"))
}

/// The life that a value says.
pub(crate) fn life(value: &Value) -> Result<Duration, String> {
    let seconds = document::number(value).ok_or("the token's lifetime is not a number")?;
    schedule::life(seconds).ok_or_else(|| "the token has expired already".to_owned())
}

// Only words that the RFC knows: whatever else is there could be anything.
fn error_word(body: &[u8]) -> Option<&'static str> {
    let document = document::parse(body)?;
    let word = document.get("error")?.as_str()?;
    ERRORS.into_iter().find(|it| *it == word)
}

pub(crate) const LONGEST: usize = 64 * 1024;
const ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lives_are_read_in_every_spelling() {
        check_life("", None);
        check_life(r#","expires_in":null"#, None);
        check_life(r#","expires_in":3600"#, Some(3600));
        check_life(r#","expires_in":"3600""#, Some(3600));
        check_life(r#","expires_in":3600.0"#, Some(3600));
        check_life(r#","expires_in":9223372036854775808"#, Some(86_400));
        check_life(r#","expires_in":1e300"#, Some(86_400));
    }

    #[test]
    fn the_kind_of_token_is_bearer_in_any_case() {
        for kind in ["bearer", "Bearer", "BEARER"] {
            let body = format!(r#"{{"access_token":"t","token_type":"{kind}"}}"#);
            assert_eq!(issued(&answer(200, &body)).unwrap().access.text(), "t");
        }
    }

    #[test]
    fn what_is_not_an_answer_issues_nothing() {
        let of = |members: &str| format!(r#"{{"token_type":"bearer",{members}}}"#);
        for (body, why) in [
            (of(r#""access_token":"a\r\nb""#), "visible ASCII"),
            (of(r#""access_token":"ä""#), "visible ASCII"),
            (of(r#""access_token":"a b""#), "visible ASCII"),
            (of(r#""access_token":"""#), "empty"),
            (of(r#""access_token":7"#), "not a text"),
            (of(&format!(r#""access_token":"{}""#, "a".repeat(9_000))), "longer than 8 KiB"),
            (of(r#""access":"a""#), "no access_token"),
            (of(r#""access_token":"a","expires_in":-1"#), "expired already"),
            (of(r#""access_token":"a","expires_in":0"#), "expired already"),
            (of(r#""access_token":"a","expires_in":"soon""#), "not a number"),
            (of(r#""access_token":"a","expires_in":true"#), "not a number"),
            (of(r#""access_token":"a","access_token":"b""#), "repeated"),
            (r#"{"access_token":"a"}"#.to_owned(), "no token_type"),
            (r#"{"access_token":"a","token_type":"mac"}"#.to_owned(), "not bearer"),
            ("[]".to_owned(), "JSON object"),
            ("<html>".to_owned(), "JSON object"),
            (String::new(), "JSON object"),
            (" ".repeat(LONGEST + 1), "64 KiB"),
        ] {
            check_refused(200, &body, why);
        }
    }

    #[test]
    fn of_a_refusal_only_a_known_word_is_repeated() {
        check_refused(401, r#"{"error":"invalid_client"}"#, "it answered 401 invalid_client");
        check_refused(400, r#"{"error":"canary"}"#, "it answered 400");
        check_refused(500, "canary", "it answered 500");
        check_refused(302, r#"{"access_token":"canary"}"#, "it answered 302");
        check_refused(201, r#"{"access_token":"canary"}"#, "it answered 201");
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let answer = Response::new(Bytes::from(body));
            prop_assert!(issued(&answer).is_err());
        }
    }

    #[track_caller]
    fn check_life(member: &str, seconds: Option<u64>) {
        let body = format!(r#"{{"access_token":"t","token_type":"bearer"{member}}}"#);
        let issued = issued(&answer(200, &body)).unwrap();
        assert_eq!(issued.life.map(|it| it.as_secs()), seconds, "{member}");
    }

    #[track_caller]
    fn check_refused(status: u16, body: &str, why: &str) {
        let error = issued(&answer(status, body)).unwrap_err();
        assert!(error.contains(why) && !error.contains("canary"), "{error}");
        if status != 200 {
            assert_eq!(error, why);
        }
    }

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap()
    }
}
