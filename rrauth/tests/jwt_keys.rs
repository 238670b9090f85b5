//! Which keys are used, and for what: a key set may hold anything, and a token may ask for anything.

#![cfg(test)]

mod jwt_support;

use aws_lc_rs::rsa::KeySize;
use jsonwebtoken::{Algorithm, EncodingKey};
use jwt_support::{
    SECRET, Signer, SigningKey, changed, claims, decode, document, encode, now, set,
};
use rrauth::{JwkSet, JwtAlgorithm, JwtError, Verified};
use serde_json::{Value, json};

#[test]
fn a_public_key_is_no_secret() {
    let signers = [Signer::rsa(), Signer::p256(), Signer::p384(), Signer::ed25519()];
    let hmac = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    for (signer, algorithm) in signers.iter().flat_map(|it| hmac.map(|alg| (it, alg))) {
        for secret in encodings(&signer.jwk) {
            let key = EncodingKey::from_secret(&secret);
            let key = SigningKey::BackEnd(algorithm, key);
            let forger = Signer { key, jwk: signer.jwk.clone() };
            let name = format!("{algorithm:?}");
            let token = forger.token(&changed(signer.header(), &json!({"alg": name})), &claims());
            let honest = signer.policy().build().unwrap();
            assert!(honest.verify(&token, &signer.keys(), now()).is_err());
            // Even if a policy asks for it, and the key does not say what it is for.
            let loose = set(&[&changed(signer.jwk.clone(), &json!({"alg": null}))]);
            let wrong = signer.policy().algorithms([name.parse().unwrap()]).build().unwrap();
            assert!(wrong.verify(&token, &loose, now()).is_err());
        }
    }
}

#[test]
fn a_signature_of_zeros_or_in_another_form_is_none() {
    let signer = Signer::p256();
    let token = signer.token(&signer.header(), &claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = decode(signature);
    let (r, s) = signature.split_at(32);
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let zero = [0; 32];
    let der = |r: &[u8], s: &[u8]| {
        let integer = |it: &[u8]| [&[2, 33, 0][..], it].concat();
        [&[48, 70][..], &integer(r), &integer(s)].concat()
    };
    let longer = [&[0][..], r, &[0], s].concat();
    for wrong in [
        [zero, zero].concat(),
        [&zero, s].concat(),
        [r, &zero].concat(),
        [&order[..], s].concat(),
        [r, &order].concat(),
        [&order[..], &order].concat(),
        [s, r].concat(),
        der(r, s),
        longer,
        [r, s, &[0]].concat(),
        r.to_vec(),
        vec![255; 64],
        vec![0; 96],
    ] {
        assert!(verify(&signer, &signer.keys(), &format!("{signed}.{}", encode(wrong))).is_err());
    }
    assert!(verify(&signer, &signer.keys(), &token).is_ok());
}

#[test]
fn an_ed25519_signature_has_one_form() {
    let signer = Signer::ed25519();
    let token = signer.token(&signer.header(), &claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = decode(signature);
    // S + L, which signs the same (RFC 8032 §5.1.7 refuses it).
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    let token = format!("{signed}.{}", encode(signature));
    assert!(verify(&signer, &signer.keys(), &token).is_err());
}

#[test]
fn a_key_that_is_not_for_this_is_left_out() {
    let (rsa, p256, ed25519) = (Signer::rsa(), Signer::p256(), Signer::ed25519());
    left_out(&rsa, json!({"use": "enc"}), "use: the key is not for signatures");
    left_out(&rsa, json!({"use": "SIG"}), "use: the key is not for signatures");
    left_out(&rsa, json!({"use": ["sig"]}), "use: it is not a text");
    left_out(&rsa, json!({"key_ops": ["encrypt"]}), "key_ops: the key is not for verifying");
    left_out(&rsa, json!({"key_ops": []}), "key_ops: the key is not for verifying");
    left_out(&rsa, json!({"key_ops": "verify"}), "key_ops: the key is not for verifying");
    left_out(
        &p256,
        json!({"use": "sig", "key_ops": ["sign"]}),
        "key_ops: the key is not for verifying",
    );
    left_out(&rsa, json!({"alg": "RSA-OAEP"}), "alg: it is none of");
    left_out(&rsa, json!({"alg": "none"}), "alg: it is none of");
    left_out(&rsa, json!({"alg": "ES256"}), "alg: such a key is not for ES256");
    left_out(&rsa, json!({"alg": "HS256"}), "alg: such a key is not for HS256");
    left_out(&p256, json!({"alg": "ES384"}), "alg: such a key is not for ES384");
    left_out(&ed25519, json!({"alg": "ES256"}), "alg: such a key is not for ES256");
    left_out(&rsa, json!({"alg": 7}), "alg: it is not a text");
    left_out(&rsa, json!({"kty": "rsa"}), "kty: it is none of");
    left_out(&rsa, json!({"kty": null}), "kty: it is missing");
    left_out(&rsa, json!({"d": "AQAB"}), "d: the private key is published");
    left_out(&ed25519, json!({"d": "AQAB"}), "d: the private key is published");
    left_out(&rsa, json!({"kid": ""}), "kid: it is not a text of 1 to 256 bytes");
    left_out(&rsa, json!({"kid": 7}), "kid: it is not a text");
}

#[test]
fn a_key_of_another_size_or_shape_is_left_out() {
    let (rsa, ed25519) = (Signer::rsa(), Signer::ed25519());
    let (p256, p384) = (Signer::p256(), Signer::p384());
    let modulus = decode(rsa.jwk["n"].as_str().unwrap());
    let even = [&modulus[..255], &[modulus[255] & 0xfe]].concat();
    let x = decode(p256.jwk["x"].as_str().unwrap());
    left_out(&rsa, json!({"n": null}), "n: it is missing");
    left_out(&rsa, json!({"n": ""}), "n: 0 bits are not 2048 to 8192");
    left_out(&rsa, json!({"n": encode(&modulus[..128])}), "n: 1024 bits are not 2048 to 8192");
    left_out(&rsa, json!({"n": encode(vec![255; 1_025])}), "n: 8200 bits are not 2048 to 8192");
    left_out(&rsa, json!({"n": encode(even)}), "n: the key can be factored");
    left_out(&rsa, json!({"n": "AQAB="}), "n: it is not base64url");
    left_out(&rsa, json!({"e": "AQ"}), "e: it is not an odd number");
    left_out(&rsa, json!({"e": "Ag"}), "e: it is not an odd number");
    left_out(&rsa, json!({"e": "AAAA"}), "e: it is not an odd number");
    left_out(&rsa, json!({"e": ""}), "e: it is not an odd number");
    left_out(&rsa, json!({"e": "AQAAAAE"}), "e: it is not an odd number");
    let p521 = if cfg!(feature = "es512") { "x: it has not 66 bytes" } else { "takes the feature" };
    left_out(&p256, json!({"crv": "P-521"}), p521);
    left_out(&p256, json!({"crv": "secp256k1"}), "crv: it is none of");
    left_out(&p256, json!({"crv": "P-384"}), "x: it has not 48 bytes");
    left_out(&p256, json!({"x": encode(&x[1..])}), "x: it has not 32 bytes");
    left_out(&p256, json!({"y": encode([&[0][..], &x].concat())}), "y: it has not 32 bytes");
    left_out(&p384, json!({"y": null}), "y: it is missing");
    if cfg!(feature = "es512") {
        for signer in [&p256, &p384] {
            let (x, y) = (signer.jwk["x"].clone(), signer.jwk["y"].clone());
            left_out(signer, json!({"x": y, "y": x}), "they are no point of the curve");
        }
    }
    left_out(&ed25519, json!({"crv": "Ed448"}), "crv: it is not Ed25519");
    left_out(&ed25519, json!({"crv": "X25519"}), "crv: it is not Ed25519");
    left_out(&ed25519, json!({"x": "AQAB"}), "x: it has not 32 bytes");
    let spelt = |first: u8, between: u8, last: u8| {
        let bytes = [&[first][..], &[between; 30], &[last]].concat();
        json!({ "x": encode(bytes) })
    };
    for last in [0, 0x80] {
        left_out(&ed25519, spelt(0, 0, last), "x: anybody can sign for this key");
        left_out(&ed25519, spelt(1, 0, last), "x: anybody can sign for this key");
        for first in [0xec, 0xed, 0xee] {
            left_out(&ed25519, spelt(first, 0xff, 0x7f | last), "x: anybody can sign for this key");
        }
    }
}

#[cfg(feature = "es512")]
#[test]
fn a_signature_by_es512_is_two_numbers_of_66_bytes() {
    let signer = Signer::p521();
    let token = signer.token(&signer.header(), &claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let pair = decode(signature);
    let (r, s) = pair.split_at(66);
    for wrong in [
        [s, r].concat(),
        [&r[1..], s].concat(),
        [r, &s[..65]].concat(),
        [&[0][..], r, s].concat(),
        [r, s, &[0][..]].concat(),
        [r, &[0; 66]].concat(),
        vec![0; 132],
        // As ASN.1 would have it.
        [&[0x30, 0x81, 0x88, 0x02, 0x42][..], r, &[0x02, 0x42], s].concat(),
    ] {
        assert!(verify(&signer, &signer.keys(), &format!("{signed}.{}", encode(wrong))).is_err());
    }
    verify(&signer, &signer.keys(), &token).unwrap();
    let (x, y) = (signer.jwk["x"].clone(), signer.jwk["y"].clone());
    left_out(&signer, json!({"x": y, "y": x}), "they are no point of the curve");
    left_out(&signer, json!({"alg": "ES384"}), "alg: such a key is not for ES384");
    left_out(&signer, json!({"crv": "P-384"}), "x: it has not 48 bytes");
    // As some issuers spell it in their keys; never in a token.
    let spelt = changed(signer.jwk.clone(), &json!({"alg": "ES521"}));
    verify(&signer, &set(&[&spelt]), &token).unwrap();
    let token = signer.token(&changed(signer.header(), &json!({"alg": "ES521"})), &claims());
    verify(&signer, &set(&[&spelt]), &token).unwrap_err();
}

// Beside one that is good.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "shorter to call")]
fn left_out(signer: &Signer, change: Value, problem: &str) {
    let bad = changed(signer.jwk.clone(), &change);
    let good = changed(Signer::ed25519().jwk, &json!({"kid": "good"}));
    let keys = set(&[&bad, &good]);
    let [said] = keys.skipped() else { panic!("{change}: {keys:?}") };
    assert!(said.contains(problem) && said.starts_with("keys/0"), "{change}: {said}");
    let token = signer.token(&signer.header(), &claims());
    assert!(verify(signer, &keys, &token).unwrap_err().is_unknown_key(), "{change}");
}

#[test]
fn a_key_that_says_more_is_good_all_the_same() {
    for signer in Signer::every().iter().filter(|it| it.name() != "HS256") {
        let token = signer.token(&signer.header(), &claims());
        for change in [
            json!({"use": "sig"}),
            json!({"use": "sig", "key_ops": ["verify"]}),
            json!({"key_ops": ["sign", "verify"]}),
            json!({"alg": null}),
            json!({"x5c": ["MIIB"], "x5u": "http://127.0.0.1:9099", "x5t": "AAAA"}),
            json!({"a": {"b": [1]}}),
        ] {
            let keys =
                JwkSet::parse_public(document(&[&changed(signer.jwk.clone(), &change)]).as_bytes());
            assert!(verify(signer, &keys.unwrap(), &token).is_ok(), "{change}");
        }
    }
    // A zero byte before the modulus, as some issuers write it.
    let rsa = Signer::rsa();
    let modulus = [&[0][..], &decode(rsa.jwk["n"].as_str().unwrap())].concat();
    let keys = set(&[&changed(rsa.jwk.clone(), &json!({"n": encode(modulus)}))]);
    assert!(verify(&rsa, &keys, &rsa.token(&rsa.header(), &claims())).is_ok());
}

#[test]
fn a_point_off_its_curve_verifies_nothing() {
    let signer = Signer::p256();
    let token = signer.token(&signer.header(), &claims());
    let mut y = decode(signer.jwk["y"].as_str().unwrap());
    y[31] ^= 1;
    for change in [
        json!({"y": encode(y)}),
        json!({"x": encode([0; 32]), "y": encode([0; 32])}),
        json!({"x": encode([255; 32])}),
    ] {
        let document = document(&[&changed(signer.jwk.clone(), &change)]);
        if let Ok(keys) = JwkSet::parse_public(document.as_bytes()) {
            assert!(verify(&signer, &keys, &token).is_err(), "{change}");
        }
    }
}

#[test]
fn a_long_rsa_key_works() {
    let signer = Signer::rsa_of(KeySize::Rsa3072);
    assert!(verify(&signer, &signer.keys(), &signer.token(&signer.header(), &claims())).is_ok());
}

#[test]
fn what_is_no_key_set_is_refused_whole() {
    let key = Signer::ed25519().jwk;
    let many = vec![&key; 33];
    let long = format!("{{\"keys\":[{key}]{}}}", " ".repeat(65_536));
    let alike = document(&[&key]);
    for (bad, problem) in [
        ("", "it is not a JSON object"),
        ("<html>not found</html>", "it is not a JSON object"),
        ("[]", "it is not a JSON object"),
        ("{}", "it is not a JSON object"),
        (r#"{"keys":{}}"#, "it is not a JSON object"),
        (r#"{"keys":null}"#, "it is not a JSON object"),
        (&format!("[[{key}]]"), "it is not a JSON object"),
        (&key.to_string(), "it is not a JSON object"),
        (&format!("{alike}x"), "it is not a JSON object"),
        (&format!("\u{feff}{alike}"), "it is not a JSON object"),
        (&format!(r#"{{"keys":[],"keys":[{key}]}}"#), "it is not a JSON object"),
        (&format!(r#"{{"keys":[],"k\u0065ys":[{key}]}}"#), "it is not a JSON object"),
        (&document(&many), "the set has more than 32 keys"),
        (&long, "the set is larger than 64 KiB"),
        (r#"{"keys":[]}"#, "no key of the set can be used: it has none"),
        (
            r#"{"keys":[1,"a",null,[]]}"#,
            "no key of the set can be used: keys/0: it is not one JSON object",
        ),
    ] {
        let error = JwkSet::parse_public(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{bad:.80}: {error}");
    }
    assert_eq!(JwkSet::parse_public(document(&many[..32]).as_bytes()).unwrap().len(), 32);
}

#[test]
fn one_bad_key_costs_the_others_nothing() {
    let good = Signer::p256();
    let bad = r#"{"kty":"EC","kty":"RSA"}, 7, null, "a", {"kty":"oct","k":"AAAA"}, {}"#;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let document = format!(r#"{{"a":[1],"keys":[{bad},{},{deep}],"b":{{"keys":[]}}}}"#, good.jwk);
    let keys = JwkSet::parse_public(document.as_bytes()).unwrap();
    assert_eq!((keys.len(), keys.skipped().len()), (1, 7));
    assert!(keys.skipped()[0].contains("two members of one name"), "{keys:?}");
    assert!(verify(&good, &keys, &good.token(&good.header(), &claims())).is_ok());
}

#[test]
fn a_name_that_two_keys_have_is_nobodys() {
    let [a, b] = [Signer::p256(), Signer::p256()];
    let c = Signer::ed25519();
    let keys = set(&[&a.jwk, &b.jwk, &c.jwk]);
    for signer in [&a, &b] {
        let error = verify(signer, &keys, &signer.token(&signer.header(), &claims())).unwrap_err();
        assert_eq!(error.to_string(), "kid: \"ES256\" is two keys");
        assert!(!error.is_unknown_key());
    }
    assert!(verify(&c, &keys, &c.token(&c.header(), &claims())).is_ok());
}

#[test]
fn a_token_without_a_name_means_the_only_key_that_fits() {
    let [a, b, c] = [Signer::p256(), Signer::p256(), Signer::ed25519()];
    let unnamed = |it: &Signer| it.token(&json!({"alg": it.name()}), &claims());
    let named = |it: &Signer| it.token(&it.header(), &claims());
    let nameless = |it: &Signer| changed(it.jwk.clone(), &json!({"kid": null}));
    let says = |signer: &Signer, keys: &JwkSet, token: &str| {
        verify(signer, keys, token).map_or_else(|it| it.to_string(), |_| String::new())
    };
    // By its algorithm, or as the one key that has no name either.
    assert_eq!(says(&a, &set(&[&a.jwk, &c.jwk]), &unnamed(&a)), "");
    assert_eq!(says(&a, &set(&[&nameless(&a), &b.jwk]), &unnamed(&a)), "");
    assert_eq!(says(&a, &set(&[&nameless(&a), &c.jwk]), &unnamed(&c)), "alg: EdDSA is not allowed");
    assert_eq!(
        says(&a, &set(&[&a.jwk, &changed(b.jwk.clone(), &json!({"kid": "b"}))]), &unnamed(&a)),
        "kid: it is missing, and several keys fit"
    );
    assert_eq!(
        says(&a, &set(&[&nameless(&a), &nameless(&b)]), &unnamed(&a)),
        "kid: it is missing, and several keys fit"
    );
    assert_eq!(says(&a, &set(&[&c.jwk]), &unnamed(&a)), "alg: the issuer has no key for ES256");
    // A name that no key has, where keys have names, and where they have none.
    assert_eq!(
        says(&a, &set(&[&nameless(&a), &c.jwk]), &named(&a)),
        "kid: \"ES256\" is no key of the issuer"
    );
    assert_eq!(says(&a, &set(&[&nameless(&a)]), &named(&a)), "");
    assert_eq!(
        says(&a, &set(&[&nameless(&a), &nameless(&b)]), &named(&a)),
        "kid: it is missing, and several keys fit"
    );
}

#[test]
fn a_named_key_is_used_for_its_own_algorithm_only() {
    let [a, c] = [Signer::p256(), Signer::ed25519()];
    let keys = set(&[&a.jwk, &c.jwk]);
    let policy = a.policy().algorithms([JwtAlgorithm::Es256, JwtAlgorithm::EdDsa]).build().unwrap();
    let token = a.token(&json!({"alg": "ES256", "kid": "EdDSA"}), &claims());
    assert_eq!(
        policy.verify(&token, &keys, now()).unwrap_err().to_string(),
        "alg: the key is not for ES256"
    );
}

#[test]
fn ed25519_goes_by_either_of_its_names() {
    let signer = Signer::ed25519();
    let keys = set(&[&changed(signer.jwk.clone(), &json!({"alg": null}))]);
    let both = [JwtAlgorithm::EdDsa, JwtAlgorithm::Ed25519];
    let policy = signer.policy().algorithms(both).build().unwrap();
    for name in ["EdDSA", "Ed25519"] {
        let token = signer.token(&changed(signer.header(), &json!({"alg": name})), &claims());
        assert!(policy.verify(&token, &keys, now()).is_ok(), "{name}");
    }
}

#[test]
fn symmetric_keys_are_the_operators_only() {
    let secret = Signer::secret();
    let public = Signer::p256();
    let both = document(&[&secret.jwk, &public.jwk]);
    let keys = JwkSet::parse_public(both.as_bytes()).unwrap();
    assert_eq!(keys.skipped(), ["keys/0 \"HS256\": kty: a symmetric key is published"]);
    assert!(
        verify(&secret, &keys, &secret.token(&secret.header(), &claims()))
            .unwrap_err()
            .is_unknown_key()
    );
    assert!(JwkSet::parse_public(document(&[&secret.jwk]).as_bytes()).is_err());
    let error = JwkSet::parse_inline(both.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "the set has both public and symmetric keys");
    let keys = JwkSet::parse_inline(document(&[&secret.jwk]).as_bytes()).unwrap();
    assert!(verify(&secret, &keys, &secret.token(&secret.header(), &claims())).is_ok());
}

#[test]
fn a_shared_secret_is_as_long_as_its_hash() {
    use JwtAlgorithm::{Es256, Hs256, Hs384, Hs512, Rs256};
    for (bytes, fitting) in [
        (32, &[Hs256][..]),
        (47, &[Hs256]),
        (48, &[Hs256, Hs384]),
        (63, &[Hs256, Hs384]),
        (64, &[Hs256, Hs384, Hs512]),
    ] {
        let keys = JwkSet::shared_secret(&SECRET[..bytes]).unwrap();
        for algorithm in [Hs256, Hs384, Hs512, Es256, Rs256] {
            assert_eq!(keys.fits(algorithm), fitting.contains(&algorithm), "{bytes} {algorithm}");
        }
    }
    for bytes in [0, 1, 31] {
        let error = JwkSet::shared_secret(&SECRET[..bytes]).unwrap_err().to_string();
        assert_eq!(error, "the secret is shorter than 32 bytes");
        let jwk = json!({"kty": "oct", "k": encode(&SECRET[..bytes])});
        assert!(JwkSet::parse_inline(document(&[&jwk]).as_bytes()).is_err());
    }
    // Whatever name a token gives it, there is one.
    let signer = Signer::secret();
    let keys = JwkSet::shared_secret(SECRET).unwrap();
    for header in [json!({"alg": "HS256"}), json!({"alg": "HS256", "kid": "any"})] {
        assert!(verify(&signer, &keys, &signer.token(&header, &claims())).is_ok());
    }
}

#[test]
fn nothing_prints_a_key() {
    let keys = JwkSet::shared_secret(SECRET).unwrap();
    assert_eq!(format!("{keys:?}"), "JwkSet { keys: [None], skipped: [], .. }");
}

// Ways in which a public key may be at hand as bytes.
fn encodings(jwk: &Value) -> Vec<Vec<u8>> {
    let part = |name: &str| jwk[name].as_str().unwrap_or_default().to_owned();
    let raw = |name: &str| decode(&part(name));
    let json = jwk.to_string();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", encode(raw("n")));
    let point = [&[4][..], &raw("x"), &raw("y")].concat();
    let parts = ["n", "e", "x", "y"].map(part);
    let raws = ["n", "x", "y"].map(raw);
    let more = [
        json.clone().into_bytes(),
        format!("{json}\n").into_bytes(),
        pem.trim().into(),
        pem.into_bytes(),
        point,
        Vec::new(),
    ];
    parts.map(String::into_bytes).into_iter().chain(raws).chain(more).collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|it| u8::from_str_radix(&text[it..it + 2], 16).unwrap())
        .collect()
}

fn verify(signer: &Signer, keys: &JwkSet, token: &str) -> Result<Verified, JwtError> {
    signer.policy().build().unwrap().verify(token, keys, now())
}
