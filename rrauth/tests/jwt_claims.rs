//! What a token must say: issuer, audience, times, and what an operator asks for.

#![cfg(test)]

mod jwt_support;

use std::time::Duration;

use jwt_support::{ISSUER, NOW, Signer, claims_but, now};
use rrauth::{JwtError, JwtPolicy, JwtPolicyBuilder, Verified};
use serde_json::{Value, json};

#[test]
fn a_token_ends_a_leeway_after_exp() {
    for exp in [json!(NOW + 1), json!(NOW), json!(NOW - 59), json!(NOW as f64 - 59.5), json!(4e12)]
    {
        check("exp", exp, "");
    }
    for exp in [json!(NOW - 60), json!(NOW as f64 - 60.5), json!(0), json!(1)] {
        check("exp", exp, "expired");
    }
    let seconds = NOW + 300;
    let fraction = claims_but(&json!({"exp": seconds as f64 + 0.5}));
    let verified = verify(&fraction.to_string(), |it| it).unwrap();
    assert_eq!(verified.expires_at, Duration::from_millis(seconds * 1_000 + 60_500));
}

#[test]
fn a_time_that_is_none_is_not_taken_as_absent() {
    let strings = ["1900000000", "", "never", "1e400"].map(|it| json!(it));
    let others = [json!([NOW]), json!({"a": 1}), json!(true), json!(-1), json!(-0.5), json!(1e30)];
    for value in strings.into_iter().chain(others) {
        for name in ["exp", "nbf", "iat"] {
            check(name, value.clone(), &format!("{name}: it is no time"));
        }
    }
    check("exp", Value::Null, "exp: it is missing");
    // What `serde_json` cannot write.
    let nines = "9".repeat(400);
    for number in
        ["null", "1e400", "-1e400", "NaN", "Infinity", "0x7fffffff", "+1", ".5", "-0.0e", &nines]
    {
        for name in ["exp", "nbf", "iat"] {
            let text = claims_but(&json!({name: null})).to_string();
            let text = text.replacen('{', &format!("{{\"{name}\":{number},"), 1);
            assert!(verify(&text, |it| it).is_err(), "{text}");
        }
    }
}

#[test]
fn a_token_starts_a_leeway_before_nbf_and_iat() {
    for name in ["nbf", "iat"] {
        for good in
            [json!(NOW - 1), json!(NOW), json!(NOW + 60), json!(0), json!(NOW as f64 + 59.9)]
        {
            check(name, good, "");
        }
        for early in [json!(NOW + 61), json!(NOW + 86_400), json!(NOW as f64 + 60.1), json!(1e12)] {
            check(name, early, "nbf, iat: the token is not valid yet");
        }
        check(name, Value::Null, "");
    }
}

#[test]
fn a_token_that_is_wrong_otherwise_is_not_called_expired() {
    for wrong in [json!({"aud": "other"}), json!({"sub": 7}), json!({"nbf": NOW + 99})] {
        let claims = claims_but(&jwt_support::changed(wrong, &json!({"exp": NOW - 1_000})));
        assert!(!verify(&claims.to_string(), |it| it).unwrap_err().is_expired(), "{claims}");
    }
}

#[test]
fn iss_is_one_exact_text() {
    for foreign in [
        "",
        "https://login.example/",
        "https://login.example.evil",
        "HTTPS://login.example",
        "https://login.exampl",
        " https://login.example",
        "https://login.example\u{0}",
        "*",
    ] {
        check("iss", json!(foreign), "iss: it is another issuer's");
    }
    for wrong in [json!([ISSUER]), json!({"a": ISSUER}), json!(7), json!(true)] {
        check("iss", wrong, "iss: it is not a text");
    }
    check("iss", Value::Null, "iss: it is missing");
}

#[test]
fn aud_is_one_of_ours_exactly() {
    let ours = jwt_support::AUDIENCE;
    for good in [json!(ours), json!([ours]), json!(["other", ours]), json!([ours, ours])] {
        check("aud", good, "");
    }
    let csv = format!("other,{ours}");
    for other in [
        json!("other"),
        json!(""),
        json!([]),
        json!(["other"]),
        json!("https://api.exampl"),
        json!("https://api.example/"),
        json!("https://api.example.evil"),
        json!(csv),
        json!([csv]),
        json!("https://API.example"),
        json!("*"),
        json!(["*"]),
    ] {
        check("aud", other, "aud: the token is for others");
    }
    for wrong in [
        json!({"aud": ours}),
        json!(7),
        json!([7, ours]),
        json!([[ours]]),
        json!(true),
        json!([ours, null]),
    ] {
        check("aud", wrong, "aud: it is neither a text nor a list of texts");
    }
    check("aud", Value::Null, "aud: it is missing");
    let two = |it: JwtPolicyBuilder| it.audience(["a", "b"]);
    assert!(verify(&claims_but(&json!({"aud": "b"})).to_string(), two).is_ok());
    assert!(verify(&claims_but(&json!({"aud": ["c", "a"]})).to_string(), two).is_ok());
    assert!(verify(&claims_but(&json!({"aud": "c"})).to_string(), two).is_err());
}

#[test]
fn without_an_audience_any_will_do_but_no_nonsense() {
    let signer = Signer::secret();
    let policy = JwtPolicy::builder(ISSUER).algorithms([signer.allowed()]).build().unwrap();
    for (aud, good) in
        [(json!("a"), true), (Value::Null, true), (json!(["a"]), true), (json!(7), false)]
    {
        let token = signer.token(&signer.header(), &claims_but(&json!({"aud": aud})));
        assert_eq!(policy.verify(&token, &signer.keys(), now()).is_ok(), good, "{aud}");
    }
}

#[test]
fn the_subject_is_one_short_line() {
    let long = "a".repeat(257);
    for wrong in ["", &long, "a\r\nx-role: admin", "a\0", "a\u{7f}", "a\u{85}b", "a\tb"] {
        check("sub", json!(wrong), "sub: it is not one line of 1 to 256 bytes");
    }
    for wrong in [json!(7), json!(["alice"]), json!({}), json!(true)] {
        check("sub", wrong, "sub: it is not a text");
    }
    let verified = verify(&claims_but(&json!({"sub": "auth0|ä 1"})).to_string(), |it| it).unwrap();
    assert_eq!(verified.subject.as_deref(), Some("auth0|ä 1"));
    let verified = verify(&claims_but(&json!({"sub": null})).to_string(), |it| it).unwrap();
    assert_eq!(verified.subject, None);
}

#[test]
fn a_subject_pattern_is_searched_for_and_needs_a_subject() {
    let found = |pattern: &'static str, sub: Value| {
        let claims = claims_but(&json!({"sub": sub})).to_string();
        verify(&claims, |it| it.subject_pattern(pattern)).map_err(|it| it.to_string())
    };
    assert!(found("lic", json!("alice")).is_ok());
    assert!(found("^(alice|bob)$", json!("bob")).is_ok());
    for sub in ["Alice", "alicex", "mallory"] {
        assert_eq!(found("^alice$", json!(sub)).unwrap_err(), "sub: the pattern does not match");
    }
    assert_eq!(found("a", Value::Null).unwrap_err(), "sub: it is missing");
}

#[test]
fn a_required_claim_is_there_with_one_of_its_values() {
    let asked = |claims: Value| {
        let text = claims_but(&claims).to_string();
        let ask = |it: JwtPolicyBuilder| {
            it.required_claim("tenant", ["a", "b"])
                .required_claim("level", [2])
                .required_claim("mfa", [true])
        };
        verify(&text, ask).map_err(|it| it.to_string()).err().unwrap_or_default()
    };
    let good = json!({"tenant": "b", "level": 2, "mfa": true});
    assert_eq!(asked(good.clone()), "");
    for (name, wrong) in [
        ("tenant", json!("c")),
        ("tenant", json!("A")),
        ("tenant", json!(["a"])),
        ("tenant", json!({"a": 1})),
        ("tenant", json!("a,b")),
        ("tenant", json!("")),
        ("level", json!("2")),
        ("level", json!(3)),
        ("level", json!(true)),
        ("mfa", json!("true")),
        ("mfa", json!(1)),
        ("mfa", json!(false)),
    ] {
        let claims = jwt_support::changed(good.clone(), &json!({name: wrong}));
        assert_eq!(asked(claims), format!("{name}: it is not what is required"), "{wrong}");
    }
    for name in ["tenant", "level", "mfa"] {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        // Nor is what JavaScript would find in any object.
        claims["__proto__"] = json!({name: good[name]});
        assert_eq!(asked(claims), format!("{name}: it is missing"));
    }
}

#[test]
fn a_token_may_not_live_longer_than_is_allowed() {
    let lives = |iat: &Value, exp: u64| {
        let claims = claims_but(&json!({"iat": iat, "exp": exp})).to_string();
        let ask = |it: JwtPolicyBuilder| it.max_lifetime(Duration::from_secs(300));
        verify(&claims, ask).map_err(|it| it.to_string()).err().unwrap_or_default()
    };
    assert_eq!(lives(&json!(NOW), NOW + 300), "");
    assert_eq!(lives(&json!(NOW as f64 - 0.5), NOW + 300), "exp: the token lives too long");
    assert_eq!(lives(&json!(NOW), NOW + 301), "exp: the token lives too long");
    assert_eq!(lives(&json!(0), NOW + 300), "exp: the token lives too long");
    assert_eq!(lives(&Value::Null, NOW + 10), "iat: it is missing");
    assert_eq!(lives(&json!(NOW + 20), NOW + 10), "exp: it is before iat");
}

#[test]
fn a_thousand_claims_are_fine_and_what_is_too_long_is_not_read() {
    let mut claims = claims_but(&json!({}));
    for index in 0..500 {
        claims[format!("c{index}")] = json!(1);
    }
    let verified = verify(&claims.to_string(), |it| it).unwrap();
    assert_eq!(verified.claims.get("c499"), Some(&json!(1)));
    claims["long"] = json!("a".repeat(8_192));
    let error = verify(&claims.to_string(), |it| it).unwrap_err();
    assert_eq!(error.to_string(), "the token is longer than 8 KiB");
}

#[test]
fn an_error_holds_nothing_of_the_token() {
    let canary = json!({"iss": "canary", "aud": "canary", "sub": "canary\n", "exp": "canary"});
    for (name, value) in canary.as_object().unwrap() {
        let claims = claims_but(&json!({name: value}));
        let error = verify(&claims.to_string(), |it| it).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "shorter to call")]
fn check(name: &str, value: Value, expected: &str) {
    let claims = claims_but(&json!({name: value}));
    let said = match verify(&claims.to_string(), |it| it) {
        Ok(_) => String::new(),
        Err(error) if error.is_expired() => "expired".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(said, expected, "{claims}");
}

fn verify(
    claims: &str,
    ask: impl Fn(JwtPolicyBuilder) -> JwtPolicyBuilder,
) -> Result<Verified, JwtError> {
    let signer = Signer::secret();
    let policy = ask(signer.policy()).build().unwrap();
    let token = signer.raw(signer.header().to_string().as_bytes(), claims.as_bytes());
    policy.verify(&token, &signer.keys(), now())
}
