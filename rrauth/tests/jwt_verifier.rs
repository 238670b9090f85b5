//! A verifier for one credential: what it says, what it remembers, and how it is configured.

#![cfg(test)]

mod jwt_support;

use std::future::Ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode, header::AUTHORIZATION};
use jwt_support::{ISSUER, NOW, SECRET, Signer, changed, claims, claims_but, now};
use rrauth::{
    AuthLayer, Credential, CredentialSource, JwkSet, JwtAlgorithm, JwtPolicy, JwtPolicyBuilder,
    JwtVerifier, KeyDigest, Kind, Lookup, SourceUnavailable, TokenVerifier, Unproved, Verdict,
};
use rrcore::{ManualClock, Now};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};

#[test]
fn a_verdict_says_whose_the_token_is_and_why_it_is_refused() {
    let signer = Signer::p256();
    let token = |change: &Value| signer.token(&signer.header(), &claims_but(change));
    let at = |token: &str| said(&verifier(&signer).verify(token, at(NOW)));
    assert_eq!(at(&token(&json!({}))), "alice until 1800000360");
    assert_eq!(at(&token(&json!({"sub": null}))), "- until 1800000360");
    assert_eq!(at(&token(&json!({"exp": NOW - 60}))), "expired: exp: the token has expired");
    assert_eq!(at(&token(&json!({"aud": "a"}))), "invalid: aud: the token is for others");
    for foreign in ["opaque", "a.b", "a.b.c.d.e", &token(&json!({"iss": "other"}))] {
        assert_eq!(at(foreign), "not mine");
    }
    assert_eq!(at("a.b.c"), "invalid: the payload is not base64url");
    assert_eq!(at(&token(&json!({"iss": null}))), "invalid: iss: it is missing");
    // Not even if somebody else signed it.
    let forged = Signer::p256().token(&signer.header(), &claims_but(&json!({"exp": 1})));
    assert_eq!(at(&forged), "invalid: the signature is wrong");
}

#[test]
fn a_proof_has_the_claims_and_the_credential() {
    let signer = Signer::ed25519();
    let token = signer.token(&signer.header(), &claims_but(&json!({"scope": "read write"})));
    let Verdict::Ready(Ok(proof)) = verifier(&signer).verify(&token, at(NOW)) else { panic!() };
    assert_eq!((&*proof.credential.id, proof.credential.caller), ("cred_1", 7));
    assert!(proof.claims.unwrap().scopes().eq(["read", "write"]));
}

// Also where `serde_json` takes a name for one of its own.
#[test]
fn claims_are_what_was_verified() {
    let signer = Signer::ed25519();
    for chosen in ["no JSON", "[\"admin\"]", "{\"a\":1,\"a\":2}"] {
        let chosen = json!({"$serde_json::private::RawValue": chosen});
        let claims = claims_but(&json!({"scope": "read", "user_metadata": chosen}));
        let token = signer.token(&signer.header(), &claims);
        let Verdict::Ready(Ok(proof)) = verifier(&signer).verify(&token, at(NOW)) else { panic!() };
        let claims = proof.claims.unwrap();
        assert_eq!(
            (claims.text("sub"), claims.get("user_metadata")),
            (Some("alice"), Some(&chosen))
        );
        assert!(claims.scopes().eq(["read"]));
    }
}

#[test]
fn a_credential_that_is_switched_off_says_nothing_of_age() {
    let signer = Signer::p256();
    let off = verifier(&signer).renewed(credential().active(false));
    let token = signer.token(&signer.header(), &claims_but(&json!({"exp": NOW - 60})));
    assert_eq!(said(&off.verify(&token, at(NOW))), "invalid: exp: the token has expired");
}

#[test]
fn what_was_believed_is_believed_until_it_ends_and_no_longer() {
    let signer = Signer::p256();
    let nbf = json!({"nbf": NOW, "exp": NOW + 300});
    let token = signer.token(&signer.header(), &claims_but(&nbf));
    let verifier = verifier(&signer);
    // The wall clock jumps both ways.
    for (seconds, expected) in [
        (NOW, "alice until 1800000360"),
        (NOW + 359, "alice until 1800000360"),
        (NOW + 360, "expired: exp: the token has expired"),
        (NOW + 359, "alice until 1800000360"),
        (NOW - 60, "alice until 1800000360"),
        (NOW - 61, "invalid: nbf, iat: the token is not valid yet"),
        (0, "invalid: nbf, iat: the token is not valid yet"),
        (NOW, "alice until 1800000360"),
        (u64::MAX, "expired: exp: the token has expired"),
    ] {
        assert_eq!(said(&verifier.verify(&token, at(seconds))), expected, "{seconds}");
    }
}

#[test]
fn a_token_like_one_that_was_believed_is_not() {
    let signer = Signer::p256();
    let token = signer.token(&signer.header(), &claims());
    let verifier = verifier(&signer);
    for _ in 0..3 {
        assert_eq!(said(&verifier.verify(&token, at(NOW))), "alice until 1800000360");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let swapped: String = signature.chars().rev().collect();
        for other in [
            format!("{signed}.{swapped}"),
            format!("{token}A"),
            token[1..].to_owned(),
            format!("{signed}."),
        ] {
            assert!(!said(&verifier.verify(&other, at(NOW))).contains("until"), "{other}");
        }
    }
}

#[test]
fn however_many_are_remembered_each_is_judged_alike() {
    let signer = Signer::secret();
    let good: Vec<_> = (0..200)
        .map(|it| signer.token(&signer.header(), &claims_but(&json!({"sub": format!("s{it}")}))))
        .collect();
    for remembered in [0, 1, 7, 1_000_000] {
        let verifier = verifier(&signer).cached_tokens(remembered);
        for (index, token) in good.iter().chain(&good).enumerate() {
            let expected = format!("s{} until 1800000360", index % 200);
            assert_eq!(said(&verifier.verify(token, at(NOW))), expected);
        }
    }
}

#[test]
fn what_is_remembered_is_the_same_for_all_threads() {
    let signer = Signer::secret();
    let verifier = verifier(&signer).cached_tokens(8);
    let tokens: Vec<_> = (0..64)
        .map(|it| signer.token(&signer.header(), &claims_but(&json!({"sub": format!("s{it}")}))))
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (index, token) in tokens.iter().enumerate() {
                    let expected = format!("s{index} until 1800000360");
                    assert_eq!(said(&verifier.verify(token, at(NOW))), expected);
                }
            });
        }
    });
}

#[tokio::test]
async fn who_is_in_an_index_counts_first_from_the_request_on_at_which_it_knows_anybody() {
    let signer = Signer::p256();
    let token = signer.token(&signer.header(), &claims_but(&json!({})));
    let index = Arc::new(Switched { is_empty: true.into(), known: KeyDigest::of(&token) });
    let clock = ManualClock::starting_at(now()).clock();
    let layer = AuthLayer::new(Arc::clone(&index)).clock(clock).tokens(verifier(&signer));
    let service = layer.layer(tower::service_fn(async |request: Request<()>| {
        Ok::<_, std::convert::Infallible>(Response::new(request.extensions().get::<u8>().copied()))
    }));
    for (is_empty, token, expected) in [
        // Believed by one digest, and then by the other: an index that knows nobody is not asked.
        (true, &token, Some(7)),
        (true, &token, Some(7)),
        (false, &token, Some(9)),
        (true, &token, Some(7)),
        (false, &format!("{token}A"), None),
        (true, &format!("{token}A"), None),
    ] {
        index.is_empty.store(is_empty, Ordering::SeqCst);
        let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}"));
        let response = service.clone().oneshot(request.body(()).unwrap()).await.unwrap();
        let is_let_in = response.status() == StatusCode::OK;
        let caller = is_let_in.then(|| response.into_body().into_inner().flatten()).flatten();
        assert_eq!(caller, expected, "{is_empty} {token}");
    }
}

/// Knows one secret, or nobody.
struct Switched {
    is_empty: AtomicBool,
    known: KeyDigest,
}

impl CredentialSource for Switched {
    type Caller = u8;
    type Future = Ready<Result<Option<Arc<Credential<u8>>>, SourceUnavailable>>;

    fn find(&self, digest: &KeyDigest) -> Lookup<u8, Self::Future> {
        assert!(!self.is_empty(), "nobody need look");
        let known = || Credential::new("cred_9", "nine", Kind::Jwt, 9).into();
        Lookup::Ready((*digest == self.known).then(known))
    }

    fn is_empty(&self) -> bool {
        self.is_empty.load(Ordering::SeqCst)
    }
}

#[test]
fn keys_that_cannot_verify_what_is_allowed_are_refused() {
    let check = |algorithms: &[JwtAlgorithm], keys: JwkSet, problem: &str| {
        let policy = JwtPolicy::builder(ISSUER).algorithms(algorithms.iter().copied());
        let made = JwtVerifier::new(credential(), policy.build().unwrap(), keys);
        let said = made.map_or_else(|it| it.to_string(), |_| String::new());
        assert!(said.starts_with(problem) && said.is_empty() == problem.is_empty(), "{said}");
    };
    use JwtAlgorithm::{Es256, Hs256, Hs384, Hs512, Rs256};
    let secret = |bytes: usize| JwkSet::shared_secret(&SECRET[..bytes]).unwrap();
    check(&[Hs256], secret(32), "");
    check(&[Hs256, Hs384, Hs512], secret(64), "");
    check(&[Hs256, Hs512], secret(63), "keys: no key is long enough for HS512");
    check(&[Hs256], Signer::p256().keys(), "keys: no key is long enough for HS256, or symmetric");
    check(&[Rs256], secret(64), "keys: none is for the policy's algorithms");
    check(&[Rs256], Signer::p256().keys(), "keys: none is for the policy's algorithms");
    check(&[Rs256, Es256], Signer::p256().keys(), "");
}

#[test]
fn a_policy_that_cannot_be_meant_is_refused_by_field() {
    let check = |field: &str, change: &dyn Fn(JwtPolicyBuilder) -> JwtPolicyBuilder| {
        let good = Signer::secret().policy();
        let error = change(good).build().map(|_| ()).unwrap_err();
        assert_eq!(error.field(), field, "{error}");
        assert!(error.to_string().starts_with(field), "{error}");
    };
    let long = "a".repeat(1_025);
    check("algorithms", &|it| it.algorithms([]));
    check("algorithms", &|it| it.algorithms([JwtAlgorithm::Hs256, JwtAlgorithm::Rs256]));
    for bad in [&[][..], &[""], &["a\n"], &[&long]] {
        check("audience", &|it| it.audience(bad.iter().copied()));
        check("types", &|it| it.types(bad.iter().copied()));
    }
    check("leeway", &|it| it.leeway(Duration::from_secs(3_601)));
    check("max_lifetime", &|it| it.max_lifetime(Duration::ZERO));
    for bad in [json!(null), json!(["a"]), json!({"a": 1})] {
        check("required_claim", &|it| it.required_claim("a", [bad.clone()]));
    }
    check("required_claim", &|it| it.required_claim("", ["a"]));
    check("required_claim", &|it| it.required_claim("a", [0; 0]));
    check("required_claim", &|it| it.required_claim("a", [1]).required_claim("a", [2]));
    for bad in ["(", "a{99999}{99999}", "(?P<a", &"(".repeat(200), &long, "\\p{Greek}{1000000}"] {
        check("subject_pattern", &|it| it.subject_pattern(bad));
    }
    for bad in ["", &long, "a\r\nb"] {
        let built = JwtPolicy::builder(bad).algorithms([JwtAlgorithm::Es256]).build();
        assert_eq!(built.unwrap_err().field(), "issuer");
    }
}

#[test]
fn another_policy_or_key_believes_nothing_that_this_one_did() {
    let signer = Signer::p256();
    let token = signer.token(&signer.header(), &claims());
    let first = verifier(&signer);
    assert_eq!(said(&first.verify(&token, at(NOW))), "alice until 1800000360");
    let stricter = signer.policy().audience(["other"]).build().unwrap();
    let second = JwtVerifier::new(credential(), stricter, signer.keys()).unwrap();
    assert_eq!(said(&second.verify(&token, at(NOW))), "invalid: aud: the token is for others");
    let rotated = changed(Signer::p256().jwk, &json!({"kid": "ES256"}));
    let policy = signer.policy().build().unwrap();
    let third = JwtVerifier::new(credential(), policy, jwt_support::set(&[&rotated])).unwrap();
    assert_eq!(said(&third.verify(&token, at(NOW))), "invalid: the signature is wrong");
}

fn verifier(signer: &Signer) -> JwtVerifier<u8> {
    JwtVerifier::new(credential(), signer.policy().build().unwrap(), signer.keys()).unwrap()
}

fn credential() -> Credential<u8> {
    Credential::new("cred_1", "partners", Kind::JwtVerify, 7)
}

fn at(seconds: u64) -> Now {
    Now { monotonic: now(), wall: Duration::from_secs(seconds) }
}

fn said(verdict: &Verdict<u8>) -> String {
    match verdict {
        Verdict::NotMine => "not mine".to_owned(),
        Verdict::Ready(Ok(proof)) => {
            let subject = proof.subject.as_deref().unwrap_or("-");
            format!("{subject} until {}", proof.expires_at.unwrap().as_secs())
        }
        Verdict::Ready(Err(Unproved::Invalid(reason))) => format!("invalid: {reason}"),
        Verdict::Ready(Err(Unproved::Expired(reason))) => format!("expired: {reason}"),
        Verdict::Ready(Err(other)) => format!("{other:?}"),
        Verdict::Pending(_) => "pending".to_owned(),
    }
}
