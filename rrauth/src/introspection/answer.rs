//! What an issuer's answer says of a token (RFC 7662 §2.2).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::claims::Claims;
use crate::inbound::credential::Credential;
use crate::inbound::proof::Proof;
use crate::inbound::verify::Unproved;
use crate::strict_json;

/// Which answers are believed.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) issuer: Option<Box<str>>,
    pub(super) audience: Option<Vec<Box<str>>>,
    pub(super) leeway: Duration,
}

/// An active token. A handle: clones share it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Active {
    claims: Claims,
    subject: Option<Arc<str>>,
    /// Its `exp` (time since the Unix epoch).
    pub(super) expires: Option<Duration>,
    /// From when on it is refused: its `exp`, and the leeway.
    pub(super) ends: Option<Duration>,
}

impl Active {
    /// What it proves, where `credential` stands for its issuer.
    pub(super) fn proof<T>(self, credential: &Arc<Credential<T>>) -> Proof<T> {
        let mut proof = Proof::of(Arc::clone(credential));
        proof.subject = self.subject;
        proof.claims(self.claims).expires_at(self.ends)
    }
}

impl Rules {
    /// What `body` says of the token, at `wall` time.
    ///
    /// [`Unproved::Unavailable`] is for what says nothing: `active` is the one thing that an answer
    /// must have, and anything but a boolean is no answer.
    pub(super) fn judge(&self, body: &[u8], wall: Duration) -> Result<Active, Unproved> {
        let said = strict_json::object(body).map_err(no_answer)?;
        match said.get("active") {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => return Err(invalid("its issuer does not know the token")),
            Some(_) | None => return Err(no_answer("active: it is not true or false")),
        }
        self.check(&said).map_err(invalid)?;
        let subject = subject(&said).map_err(invalid)?;
        let starts = time(&said, "nbf").map_err(invalid)?.unwrap_or_default();
        if wall < starts.saturating_sub(self.leeway) {
            return Err(invalid("nbf: the token is not valid yet"));
        }
        let expires = time(&said, "exp").map_err(invalid)?;
        let ends = expires.map(|it| it.saturating_add(self.leeway));
        // Last: only a token that is right in all else is said to be too old.
        if ends.is_some_and(|ends| ends <= wall) {
            return Err(Unproved::Expired("exp: the token has expired".to_owned()));
        }
        Ok(Active { claims: Claims::new(said), subject, expires, ends })
    }

    fn check(&self, said: &Map<String, Value>) -> Result<(), &'static str> {
        let kinds = ["token_type", "token_use", "typ"].into_iter().filter_map(|it| said.get(it));
        if kinds.filter_map(Value::as_str).any(|it| is_other_kind(&it.to_ascii_lowercase())) {
            return Err("the token is active, but is no bearer token for access");
        }
        match (&self.issuer, said.get("iss")) {
            (None, _) | (Some(_), None) => {}
            (Some(ours), Some(Value::String(issuer))) if **issuer == **ours => {}
            (Some(_), Some(_)) => return Err("iss: it is another issuer's"),
        }
        let Some(audience) = &self.audience else { return Ok(()) };
        let named = match said.get("aud") {
            None => return Err("aud: it is missing"),
            Some(Value::Array(list)) => list.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let is_ours = |it: &Value| audience.iter().any(|ours| it == &**ours);
        if named.iter().any(is_ours) { Ok(()) } else { Err("aud: the token is for others") }
    }
}

/// An issuer may know of more than access tokens, and all of them are "active": a refresh or identity
/// token would otherwise open what its access token may not. One that is bound to a key (`DPoP`,
/// RFC 9449 §7.1) is no bearer token.
fn is_other_kind(kind: &str) -> bool {
    ["refresh_token", "refresh", "offline", "id_token", "id", "dpop", "n_a"].contains(&kind)
}

// The first of what names somebody. It goes into logs, headers and limits: short, and in one line.
fn subject(said: &Map<String, Value>) -> Result<Option<Arc<str>>, &'static str> {
    let named = ["sub", "username", "client_id"].into_iter().find_map(|it| said.get(it));
    let subject = match named {
        None => return Ok(None),
        Some(Value::String(subject)) => subject,
        Some(_) => return Err("sub: it is not a text"),
    };
    if !(1..=LONGEST_SUBJECT).contains(&subject.len()) || subject.chars().any(char::is_control) {
        return Err("sub: it is not one line of 1 to 256 bytes");
    }
    Ok(Some(subject.as_str().into()))
}

// What is there and no time is not taken as absent: it would mean "for ever".
fn time(said: &Map<String, Value>, name: &str) -> Result<Option<Duration>, &'static str> {
    let Some(value) = said.get(name) else { return Ok(None) };
    let time = match value.as_u64() {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => value.as_f64().and_then(|it| Duration::try_from_secs_f64(it).ok()),
    };
    time.map(Some).ok_or("exp, nbf: it is no time")
}

fn invalid(reason: &str) -> Unproved {
    Unproved::Invalid(reason.to_owned())
}

fn no_answer(reason: &str) -> Unproved {
    Unproved::Unavailable(format!("the answer of the issuer: {reason}"))
}

const LONGEST_SUBJECT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    #[test]
    fn active_must_be_the_boolean_true() {
        check(r#"{"active":true}"#, "active");
        check(r#"{"active":false}"#, "invalid");
        check(r#"{"active":false,"sub":"alice","exp":9999999}"#, "invalid");
        for nothing in ["\"true\"", "1", "null", "[true]", "{}", "\"\""] {
            check(&format!("{{\"active\":{nothing}}}"), "unavailable");
        }
        for nothing in
            ["", "{}", "true", "[]", "null", "<html>", "{\"active\":true}x", "{\"Active\":true}"]
        {
            check(nothing, "unavailable");
        }
        check(r#"{"active":false,"active":true}"#, "unavailable");
        check(r#"{"active":true,"\u0061ctive":true}"#, "unavailable");
        check(r#"{"active":true,"exp":1,"exp":9999999}"#, "unavailable");
        check(r#"{"active":true,"exp":1e400}"#, "unavailable");
    }

    #[test]
    fn times_hold_with_leeway_and_nothing_else_is_a_time() {
        check(&format!(r#"{{"active":true,"exp":{}}}"#, NOW + 1), "active");
        check(&format!(r#"{{"active":true,"exp":{}}}"#, NOW - 59), "active");
        check(&format!(r#"{{"active":true,"exp":{}.5}}"#, NOW - 60), "active");
        check(&format!(r#"{{"active":true,"exp":{}}}"#, NOW - 60), "expired");
        check(r#"{"active":true,"exp":0}"#, "expired");
        check(&format!(r#"{{"active":true,"nbf":{}}}"#, NOW + 60), "active");
        check(&format!(r#"{{"active":true,"nbf":{}}}"#, NOW + 61), "invalid");
        check(&format!(r#"{{"active":true,"nbf":{},"exp":0}}"#, NOW + 61), "invalid");
        for no_time in ["-1", "\"9999999\"", "null", "true", "[9999999]", "{}", "1e300"] {
            check(&format!(r#"{{"active":true,"exp":{no_time}}}"#), "invalid");
            check(&format!(r#"{{"active":true,"nbf":{no_time}}}"#), "invalid");
        }
    }

    #[test]
    fn the_audience_must_be_ours_and_the_issuer_if_it_is_named() {
        check_rules(r#"{"active":true,"aud":"us"}"#, "active");
        check_rules(r#"{"active":true,"aud":["them","us"]}"#, "active");
        check_rules(r#"{"active":true,"aud":"us","iss":"home"}"#, "active");
        for aud in
            ["\"them\"", "[]", "[\"them\"]", "\"u\"", "\"us \"", "[[\"us\"]]", "{\"us\":1}", "null"]
        {
            check_rules(&format!(r#"{{"active":true,"aud":{aud}}}"#), "invalid");
        }
        check_rules(r#"{"active":true}"#, "invalid");
        for iss in ["\"homes\"", "\"home/\"", "[\"home\"]", "null", "7"] {
            check_rules(&format!(r#"{{"active":true,"aud":"us","iss":{iss}}}"#), "invalid");
        }
    }

    #[test]
    fn only_tokens_for_access_let_in() {
        for good in ["Bearer", "bearer", "access_token", "JWT"] {
            check(&format!(r#"{{"active":true,"token_type":"{good}"}}"#), "active");
        }
        for (name, bad) in [
            ("token_type", "refresh_token"),
            ("token_use", "refresh_token"),
            ("token_use", "id"),
            ("typ", "Refresh"),
            ("typ", "Offline"),
            ("typ", "ID"),
            ("token_type", "DPoP"),
            ("token_type", "N_A"),
        ] {
            check(&format!(r#"{{"active":true,"{name}":"{bad}"}}"#), "invalid");
        }
    }

    #[test]
    fn the_subject_is_the_first_that_names_somebody() {
        check_subject(r#"{"active":true}"#, Some(None));
        check_subject(r#"{"active":true,"client_id":"c"}"#, Some(Some("c")));
        check_subject(r#"{"active":true,"client_id":"c","username":"u"}"#, Some(Some("u")));
        let all = r#"{"active":true,"client_id":"c","username":"u","sub":"s"}"#;
        check_subject(all, Some(Some("s")));
        for bad in ["7", "null", "\"\"", "[\"s\"]", "\"a\\r\\nb\"", "\"\\u0085\""] {
            check_subject(&format!(r#"{{"active":true,"sub":{bad},"username":"u"}}"#), None);
        }
        check_subject(&format!(r#"{{"active":true,"sub":"{}"}}"#, "s".repeat(257)), None);
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        judged(&Rules { issuer: None, audience: None, leeway: LEEWAY }, body, expected);
    }

    #[track_caller]
    fn check_rules(body: &str, expected: &str) {
        let audience = Some(vec!["us".into(), "ours".into()]);
        judged(&Rules { issuer: Some("home".into()), audience, leeway: LEEWAY }, body, expected);
    }

    #[track_caller]
    fn judged(rules: &Rules, body: &str, expected: &str) {
        let judged = match rules.judge(body.as_bytes(), Duration::from_secs(NOW)) {
            Ok(_) => "active",
            Err(Unproved::Invalid(_)) => "invalid",
            Err(Unproved::Expired(_)) => "expired",
            Err(Unproved::Unavailable(_)) => "unavailable",
        };
        assert_eq!(judged, expected, "{body}");
    }

    #[track_caller]
    fn check_subject(body: &str, expected: Option<Option<&str>>) {
        let rules = Rules { issuer: None, audience: None, leeway: LEEWAY };
        let active = rules.judge(body.as_bytes(), Duration::from_secs(NOW)).ok();
        assert_eq!(active.as_ref().map(|it| it.subject.as_deref()), expected, "{body}");
    }

    const LEEWAY: Duration = Duration::from_secs(60);
}
