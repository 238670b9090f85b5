//! A gateway with callers of all kinds, and what they are told.

use http::Method;
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, ISSUER, Key};
use crate::support::{Answer, House, proxy};

/// When the tests take place, in seconds since the Unix epoch: where the support's clock starts.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Makes a credential of a caller's.
pub(crate) async fn credential(house: &House, id: &str, auth: Value) {
    credential_with(house, id, auth, json!({})).await;
}

/// Makes a credential of a caller's, with more members than its `auth`.
pub(crate) async fn credential_with(house: &House, id: &str, auth: Value, more: Value) {
    let mut body = json!({"name": id, "kind": "proxy", "auth": auth});
    merge(&mut body, more);
    house.put(&format!("/credentials/{id}"), &body).await;
}

/// Binds exactly these credentials to the proxy `p`, which gets `more` members.
pub(crate) async fn bind(house: &House, ids: &[&str], more: Value) {
    let mut body = proxy("p");
    body["proxyCredentialIds"] = json!(ids);
    merge(&mut body, more);
    house.put("/proxies/p", &body).await;
}

/// `auth` for the tokens that `key` signs, which is given with the credential.
pub(crate) fn inline(key: &Key, audience: &str) -> Value {
    json!({"type": "jwtVerify", "jwks": key.set(), "issuer": ISSUER, "audience": audience,
        "algorithms": ["ES256"]})
}

/// `auth` for tokens whose keys are at `url`.
pub(crate) fn fetched(url: &str) -> Value {
    json!({"type": "jwtVerify", "jwksUri": url, "allowPlaintext": true, "issuer": ISSUER,
        "audience": AUDIENCE, "algorithms": ["ES256"]})
}

/// Calls the proxy `p` with a bearer token.
pub(crate) async fn bearer(house: &House, token: &str) -> Answer {
    authorized(house, &format!("Bearer {token}")).await
}

/// Calls the proxy `p` with this in `Authorization`.
pub(crate) async fn authorized(house: &House, value: &str) -> Answer {
    house.call_with(Method::GET, "/api/p/x", &[("authorization", value)]).await
}

/// All lines of `WWW-Authenticate`.
pub(crate) fn challenges(answer: &Answer) -> Vec<&str> {
    let lines = answer.headers.get_all("www-authenticate");
    lines.iter().map(|it| it.to_str().unwrap()).collect()
}

#[track_caller]
pub(crate) fn admitted(answer: &Answer) {
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.json());
    assert_eq!(answer.header("rr-proxy-code"), "proxy-access-granted");
}

/// Refused for a bad credential, and told so as RFC 6750 §3.1 says.
#[track_caller]
pub(crate) fn invalid(answer: &Answer) {
    answer.refused(401, "authenticate", "credential-invalid");
    assert_eq!(challenges(answer)[0], INVALID);
}

pub(crate) fn merge(it: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("not an object") };
    it.as_object_mut().unwrap().extend(more);
}

pub(crate) const INVALID: &str = r#"Bearer realm="rr", error="invalid_token""#;
pub(crate) const MISSING: &str = r#"Bearer realm="rr""#;
pub(crate) const BASIC: &str = r#"Basic realm="rr", charset="UTF-8""#;

/// Nothing here takes this long, unless it hangs.
pub(crate) const BOUND: std::time::Duration = std::time::Duration::from_secs(20);
