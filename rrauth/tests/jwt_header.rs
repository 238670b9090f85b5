//! How a token is spelt and what its header says: everything that is not plainly right is refused.

#![cfg(test)]

mod jwt_support;

use jwt_support::{NOW, Signer, changed, claims, encode, now, set};
use rrauth::{JwtError, JwtPolicy, Verified};
use serde_json::{Value, json};

#[test]
fn a_good_token_of_every_kind_is_believed() {
    for signer in Signer::every() {
        let token = signer.token(&signer.header(), &claims());
        let verified = verify(&signer, &token).unwrap();
        assert_eq!(verified.claims.text("sub"), Some("alice"), "{}", signer.name());
    }
}

#[test]
fn no_token_without_a_signature_is_believed() {
    for signer in Signer::every() {
        let good = signer.token(&signer.header(), &claims());
        let signature = good.rsplit_once('.').unwrap().1;
        for alg in ["none", "None", "NONE", "nOnE", "none ", "non\u{65}\u{0}", ""] {
            let header = changed(signer.header(), &json!({"alg": alg}));
            let signed = format!("{}.{}", encode(header.to_string()), encode(claims().to_string()));
            for signature in ["", signature, "AA", "bm9uZQ"] {
                refused(&signer, &format!("{signed}.{signature}"));
            }
        }
    }
}

#[test]
fn alg_is_one_exact_name() {
    let signer = Signer::secret();
    for alg in [
        Value::Null,
        json!(["HS256"]),
        json!(256),
        json!(true),
        json!({"a": "HS256"}),
        json!("hs256"),
        json!("HS256 "),
        json!(" HS256"),
        json!("Hs256"),
        json!("HS-256"),
        json!("HS256\u{0}"),
        json!("ES521"),
    ] {
        header(&signer, &json!({"alg": alg}), "alg: ");
    }
}

#[test]
fn a_key_that_is_pinned_is_used_with_no_other_algorithm() {
    let others = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "EdDSA", "Ed25519",
    ];
    let es512 = cfg!(feature = "es512").then_some("ES512");
    let others: Vec<_> = others.into_iter().chain(es512).collect();
    for signer in Signer::every() {
        // Pinned by the key only, then by the policy only.
        let is_secret = signer.name() == "HS256";
        let all = others.iter().filter(|it| it.starts_with("HS") == is_secret);
        let all = signer.policy().algorithms(all.map(|it| it.parse().unwrap())).build().unwrap();
        let loose = set(&[&changed(signer.jwk.clone(), &json!({"alg": null}))]);
        let one = signer.policy().build().unwrap();
        for other in others.iter().filter(|it| **it != signer.name()) {
            let token = signer.token(&changed(signer.header(), &json!({"alg": other})), &claims());
            assert!(all.verify(&token, &signer.keys(), now()).is_err(), "{other}");
            assert!(one.verify(&token, &loose, now()).is_err(), "{other}");
        }
    }
}

#[test]
fn a_header_cannot_bring_or_change_what_is_verified_with() {
    let signer = Signer::ed25519();
    let evil = Signer::ed25519();
    let url = json!("http://127.0.0.1:9099/");
    for (name, value) in [
        ("jwk", evil.jwk.clone()),
        ("jku", url.clone()),
        ("x5u", url),
        ("x5c", json!(["MIIB"])),
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("crit", json!(["alg"])),
        ("crit", json!(["b64"])),
        ("crit", json!("exp")),
        ("crit", json!({})),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("cty", json!("json")),
        ("enc", json!("A256GCM")),
        ("crit", json!([1])),
        ("zip", json!(7)),
    ] {
        header(&signer, &json!({name: value}), &format!("the header has {name}"));
        // Whoever else signs it.
        let forged = changed(signer.header(), &json!({name: value}));
        refused(&signer, &evil.token(&forged, &claims()));
    }
    header(&signer, &json!({"nonce": "a", "iss": "b", "https://x": {"a": [1]}}), "");
}

#[test]
fn a_certificate_may_be_named_only_as_the_key_names_it() {
    let signer = Signer::ed25519();
    let other = "the header names a certificate that the key has not";
    header(&signer, &json!({"x5t": "AAAA"}), other);
    header(&signer, &json!({"x5t#S256": "AAAA"}), other);
    header(&signer, &json!({"x5t": 7}), "x5t: it is not a text of 1 to 256 bytes");
    let keys = set(&[&changed(signer.jwk.clone(), &json!({"x5t": "AAAA"}))]);
    let policy = signer.policy().build().unwrap();
    for (said, good) in [(json!("AAAA"), true), (Value::Null, true), (json!("AAAB"), false)] {
        let token = signer.token(&changed(signer.header(), &json!({"x5t": said})), &claims());
        assert_eq!(policy.verify(&token, &keys, now()).is_ok(), good, "{said}");
    }
}

#[test]
fn kid_is_a_name_and_nothing_else() {
    let signer = Signer::p256();
    for kid in [
        "../../dev/null",
        "/etc/passwd",
        "C:\\keys",
        "' OR 1=1--",
        "x; rm -rf /",
        "$(id)",
        "a\r\nb",
        "ES256\0",
        "es256",
        "ES256 ",
        "ЕS256",
        "%45S256",
        "http://evil.example/",
        "ES256\u{200b}",
    ] {
        header(&signer, &json!({"kid": kid}), "kid: \"");
    }
    let long = "k".repeat(257);
    for kid in [json!(""), json!(long), json!(["ES256"]), json!({"a": 1}), json!(7), json!(true)] {
        header(&signer, &json!({"kid": kid}), "kid: it is not a text of 1 to 256 bytes");
    }
    let raw = signer.raw(br#"{"alg":"ES256","kid":null}"#, claims().to_string().as_bytes());
    refused(&signer, &raw);
    let huge =
        signer.token(&changed(signer.header(), &json!({"kid": "k".repeat(65_536)})), &claims());
    refused(&signer, &huge);
}

#[test]
fn an_unknown_kid_is_said_escaped_and_cut() {
    let signer = Signer::p256();
    let kid = format!("a\r\n\"ü{}", "k".repeat(200));
    let token = signer.token(&changed(signer.header(), &json!({"kid": kid})), &claims());
    let error = verify(&signer, &token).unwrap_err();
    assert!(error.is_unknown_key());
    let said = error.to_string();
    assert!(said.starts_with("kid: \"a\\r\\n\\\"\\u{fc}kkk"), "{said}");
    assert!(said.chars().count() < 110 && said.contains('…'), "{said}");
}

#[test]
fn typ_is_that_of_an_access_token_or_what_is_asked_for() {
    let signer = Signer::secret();
    let wrong = "typ: it is not of the type that is wanted";
    for good in
        [Value::Null, json!("JWT"), json!("jwt"), json!("at+jwt"), json!("application/at+JWT")]
    {
        header(&signer, &json!({"typ": good}), "");
    }
    for bad in ["JOSE", "logout+jwt", "dpop+jwt", "secevent+jwt", "JWT ", "application/", "x/jwt"] {
        header(&signer, &json!({"typ": bad}), wrong);
    }
    for bad in [json!(7), json!(["JWT"]), json!("")] {
        header(&signer, &json!({"typ": bad}), "typ: it is not a text");
    }
    let policy = signer.policy().types(["AT+jwt"]).build().unwrap();
    for (typ, good) in [
        (json!("at+jwt"), true),
        (json!("application/AT+JWT"), true),
        (json!("JWT"), false),
        (Value::Null, false),
    ] {
        let token = signer.token(&changed(signer.header(), &json!({"typ": typ})), &claims());
        assert_eq!(policy.verify(&token, &signer.keys(), now()).is_ok(), good, "{typ}");
    }
}

#[test]
fn json_of_more_than_one_reading_is_refused() {
    let signer = Signer::secret();
    let good = claims().to_string();
    let with = |more: &str| good.replacen('{', &format!("{{{more},"), 1);
    let deep = format!("\"a\":{}{}", "[".repeat(2_000), "]".repeat(2_000));
    for payload in [
        with("\"exp\":1"),
        with("\"\\u0065xp\":1"),
        with("\"iss\":\"other\""),
        with("\"a\":{\"b\":1,\"b\":2}"),
        with("\"a\":[{\"b\":1,\"\\u0062\":2}]"),
        with(&deep),
        format!("{good}{good}"),
        format!("{good}\0"),
        format!("\u{feff}{good}"),
        format!("[{good}]"),
        format!("{good} x"),
        String::new(),
        "{}".to_owned(),
        "\"a\"".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "1".to_owned(),
        good.replace('"', "'"),
        good.replace('}', ",}"),
        good.replace("alice", "\\ud800"),
        good.replace("alice", "a\nb"),
    ] {
        refused(&signer, &signer.raw(signer.header().to_string().as_bytes(), payload.as_bytes()));
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let signer = Signer::secret();
    let good = claims().to_string();
    let latin = good.replace("alice", "\u{fe}").into_bytes();
    let latin: Vec<u8> = latin.into_iter().filter(|it| *it != 0xc3).collect();
    let wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for payload in [latin, wide] {
        refused(&signer, &signer.raw(signer.header().to_string().as_bytes(), &payload));
    }
}

#[test]
fn a_header_of_more_than_one_reading_is_refused() {
    let signer = Signer::secret();
    let good = claims().to_string();
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","\u0061lg":"HS256"}"#,
        r#"{"kid":"a","alg":"HS256","kid":"HS256"}"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "",
        "null",
        "{}",
        r#"{"alg":"HS256"}x"#,
        "\u{feff}{\"alg\":\"HS256\"}",
        r#"{"alg":"HS256","a":{"b":1,"b":1}}"#,
    ] {
        refused(&signer, &signer.raw(header.as_bytes(), good.as_bytes()));
    }
    let spaced = " { \"\\u0061lg\" : \"HS256\" }\n";
    assert!(verify(&signer, &signer.raw(spaced.as_bytes(), good.as_bytes())).is_ok());
}

#[test]
fn a_token_has_one_spelling() {
    let signer = Signer::secret();
    let good = signer.token(&signer.header(), &claims());
    let [header, payload, signature] = parts(&good);
    let signed = |header: &str, payload: &str| signer.sign(&format!("{header}.{payload}"));
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{good}.a.b"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{good}="),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        good.replace('.', "\n."),
        format!("{header}.{payload}.{}", &signature[1..]),
        format!("{good}AAAA"),
        good.replace('.', "%2e"),
        json!({"payload": payload, "protected": header, "signature": signature}).to_string(),
        // Signed as it stands there, and yet not of the alphabet.
        signed(&format!("{header}="), payload),
        signed(header, &format!("{payload}=")),
        signed(header, &format!("{payload}==")),
        signed(header, &format!(" {payload}")),
        signed(header, &format!("{payload}\n")),
        signed(&format!("\r{header}"), payload),
    ] {
        refused(&signer, &bad);
    }
}

#[test]
fn base64_is_that_of_urls_without_unused_bits() {
    let signer = Signer::secret();
    let good = signer.token(&signer.header(), &claims());
    let [header, _, signature] = parts(&good);
    let signed = |header: &str, payload: &str| signer.sign(&format!("{header}.{payload}"));
    let claims = json!({"iss": jwt_support::ISSUER, "aud": jwt_support::AUDIENCE, "exp": NOW, "~": "???>>>~~~"});
    let payload = encode(claims.to_string());
    assert!(payload.contains(['-', '_']), "{payload}");
    assert!(verify(&signer, &signed(header, &payload)).is_ok());
    refused(&signer, &signed(header, &payload.replace('-', "+").replace('_', "/")));
    let mut claims = claims;
    while claims.to_string().len() % 3 != 1 {
        claims["~"] = json!(format!("{}~", claims["~"].as_str().unwrap()));
    }
    let payload = encode(claims.to_string());
    assert!(payload.ends_with("fQ") && verify(&signer, &signed(header, &payload)).is_ok());
    for last in ["fR", "fS", "ff"] {
        refused(&signer, &signed(header, &payload.replace("fQ", last)));
    }
    let last = signature.chars().last().unwrap();
    let next = char::from(last as u8 + 1);
    refused(&signer, &format!("{}{next}", good.trim_end_matches(last)));
}

#[test]
fn a_signature_counts_for_its_own_bytes_and_key_only() {
    for signer in Signer::every() {
        let token = signer.token(&signer.header(), &claims());
        let other =
            signer.token(&signer.header(), &jwt_support::claims_but(&json!({"sub": "bob"})));
        let loose = signer.token(&json!({"alg": signer.name()}), &claims());
        let [header, payload, signature] = parts(&token);
        let [_, other_payload, other_signature] = parts(&other);
        let [other_header, ..] = parts(&loose);
        for (a, b, c) in [
            (header, other_payload, signature),
            (header, payload, other_signature),
            (other_header, payload, signature),
            (header, payload, ""),
            (header, payload, &signature[..signature.len() - 4]),
            (header, payload, "AAAA"),
        ] {
            refused(&signer, &format!("{a}.{b}.{c}"));
        }
        let zeros = encode(vec![0; jwt_support::decode(signature).len()]);
        refused(&signer, &format!("{header}.{payload}.{zeros}"));
    }
    for (ours, theirs) in [
        (Signer::rsa(), Signer::rsa()),
        (Signer::p256(), Signer::p256()),
        (Signer::ed25519(), Signer::ed25519()),
    ] {
        refused(&ours, &theirs.token(&ours.header(), &claims()));
    }
}

#[test]
fn what_is_too_long_is_refused_before_it_is_read() {
    let signer = Signer::secret();
    let token =
        signer.token(&signer.header(), &jwt_support::claims_but(&json!({"a": "a".repeat(5_800)})));
    assert!(token.len() < 8_192 && verify(&signer, &token).is_ok(), "{}", token.len());
    for length in [8_193, 1 << 20] {
        let long = format!("{token}{}", "A".repeat(length - token.len()));
        assert_eq!(
            verify(&signer, &long).unwrap_err().to_string(),
            "the token is longer than 8 KiB"
        );
        assert_eq!(JwtPolicy::peek_issuer(&long), None);
    }
}

#[test]
fn the_issuer_is_peeked_at_without_believing_it() {
    let signer = Signer::secret();
    let peek = |payload: &str| JwtPolicy::peek_issuer(&format!("e30.{}.", encode(payload)));
    assert_eq!(peek(r#"{"iss":"a"}"#).as_deref(), Some("a"));
    for none in [
        r#"{"iss":["a"]}"#,
        "{}",
        r#"{"iss":"a","iss":"b"}"#,
        r#"{"iss":null}"#,
        "",
        r#"{"iss":"a"}x"#,
    ] {
        assert_eq!(peek(none), None, "{none}");
    }
    let foreign =
        signer.token(&signer.header(), &jwt_support::claims_but(&json!({"iss": "other"})));
    for token in ["opaque", "a.b", "a.b.c.d", "a.b.c.d.e", &foreign] {
        assert!(verify(&signer, token).unwrap_err().is_foreign(), "{token}");
    }
    assert!(!verify(&signer, "a.b.c").unwrap_err().is_foreign());
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

#[track_caller]
fn header(signer: &Signer, changes: &Value, expected: &str) {
    let token = signer.token(&changed(signer.header(), changes), &claims());
    let said = verify(signer, &token).map_or_else(|it| it.to_string(), |_| String::new());
    assert!(
        said.starts_with(expected) && said.is_empty() == expected.is_empty(),
        "{changes}: {said}"
    );
}

#[track_caller]
fn refused(signer: &Signer, token: &str) {
    let error = verify(signer, token).map(|_| ()).unwrap_err();
    assert!(!error.is_expired(), "{token}: {error}");
}

// By keys that have verified nothing yet, and by those that remember the header of a good token, or of
// this one.
#[track_caller]
fn verify(signer: &Signer, token: &str) -> Result<Verified, JwtError> {
    let (policy, keys, others) = (signer.policy().build().unwrap(), signer.keys(), signer.keys());
    let good = signer.token(&signer.header(), &claims());
    policy.verify(&good, &others, now()).unwrap();
    let verdict = policy.verify(token, &keys, now());
    let said = |it: &Result<Verified, JwtError>| it.as_ref().map(drop).map_err(ToString::to_string);
    for keys in [keys, others] {
        assert_eq!(said(&policy.verify(token, &keys, now())), said(&verdict), "{token}");
    }
    verdict
}
