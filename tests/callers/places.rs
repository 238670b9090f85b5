//! Where a credential may be shown, and that it goes no further.

use http::Method;
use serde_json::json;

use crate::issuer::{AUDIENCE, Key, claims};
use crate::support::{Answer, House, proxy};
use crate::world::{admitted, bind, credential, inline, invalid, merge};

#[tokio::test]
async fn the_query_shows_a_credential_only_where_the_proxy_says_so() {
    let house = House::build().await;
    let query = format!("?a=1&Authorization={}&b=2", house.key);
    let answer = call(&house, &query, &[]).await;
    answer.refused(401, "authenticate", "credential-missing");
    assert_eq!(house.echo.count(), 0);

    bind(&house, &["caller"], json!({"allowQueryCredential": true})).await;
    let answer = call(&house, &query, &[]).await;
    admitted(&answer);
    assert_eq!(house.echo.last().unwrap().target, "/base/x?a=1&b=2");
    let record = house.record(&answer).await;
    assert!(!record.to_string().contains(&house.key), "{record}");
}

#[tokio::test]
async fn the_query_is_stripped_also_where_it_is_not_read() {
    let house = House::build().await;
    let shown = [("x-api-key", house.key.as_str())];
    admitted(&call(&house, "?authorization=whatever&a=1", &shown).await);
    assert_eq!(house.echo.last().unwrap().target, "/base/x?a=1");
}

#[tokio::test]
async fn the_query_shows_whatever_authorization_does() {
    let house = House::build().await;
    let key = Key::new("one");
    credential(&house, "jwt", inline(&key, AUDIENCE)).await;
    bind(&house, &["jwt", "caller"], json!({"allowQueryCredential": true})).await;
    let token = key.token(&claims(json!({})));
    for (query, expected) in [
        (format!("?Authorization=Bearer%20{token}"), "jwt"),
        (format!("?%41uthorization=Bearer+{token}"), "jwt"),
        (format!("?authorization={}", house.key), "caller"),
    ] {
        let answer = call(&house, &query, &[]).await;
        admitted(&answer);
        assert_eq!(house.record(&answer).await["credentialId"], expected, "{query}");
        assert_eq!(house.echo.last().unwrap().target, "/base/x");
    }
}

#[tokio::test]
async fn one_value_twice_is_one_and_two_values_are_none() {
    let house = House::build().await;
    let other = house.caller("other").await;
    bind(&house, &["caller", "other"], json!({"allowQueryCredential": true})).await;
    let key = &house.key;
    let bearer = format!("Bearer {key}");
    let twice = format!("?Authorization={key}&authorization={key}");
    admitted(&call(&house, &twice, &[("x-api-key", key), ("authorization", &bearer)]).await);
    assert_eq!(house.echo.last().unwrap().target, "/base/x");

    let (one, two) = (format!("?Authorization={key}"), format!("?Authorization={other}"));
    let both = format!("{one}&Authorization={other}");
    invalid(&call(&house, &both, &[]).await);
    invalid(&call(&house, &two, &[("x-api-key", key)]).await);
    invalid(&call(&house, &two, &[("authorization", &bearer)]).await);
    invalid(&call(&house, "", &[("x-api-key", key), ("x-api-key", &other)]).await);
    invalid(&call(&house, "", &[("x-api-key", &other), ("authorization", &bearer)]).await);
    invalid(&call(&house, &one, &[("x-api-key", "wrong")]).await);
    assert_eq!(house.echo.count(), 1);
}

#[tokio::test]
async fn what_looks_like_a_credentials_header_is_neither_read_nor_relayed() {
    let house = House::build().await;
    let key = &house.key;
    for alike in ["x_api_key", "x-api_key"] {
        call(&house, "", &[(alike, key)]).await.refused(401, "authenticate", "credential-missing");
        admitted(&call(&house, "", &[(alike, "y"), ("x-api-key", key), ("x-kept", "1")]).await);
        let seen = house.echo.last().unwrap();
        assert!(seen.headers.contains_key("x-kept"));
        for name in [alike, "x-api-key"] {
            assert!(!seen.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_credential_may_name_its_header_and_that_is_taken_off() {
    let house = House::build().await;
    let auth = json!({"type": "apiKey", "name": "X-Team-Key", "key": "k".repeat(24)});
    credential(&house, "team", auth).await;
    bind(&house, &["team"], json!({})).await;
    let key = "k".repeat(24);
    for name in ["x-team-key", "X-TEAM-KEY", "authorization"] {
        admitted(&call(&house, "", &[(name, &key), ("x_team_key", "y")]).await);
        let seen = house.echo.last().unwrap();
        assert!(!seen.headers.contains_key("x-team-key"));
        assert!(!seen.headers.contains_key("x_team_key"));
    }
    call(&house, "", &[("x-other", &key)]).await.refused(401, "authenticate", "credential-missing");
}

#[tokio::test]
async fn an_open_proxy_takes_off_what_callers_show_all_the_same() {
    let house = House::build().await;
    let auth = json!({"type": "apiKey", "name": "X-Team-Key", "key": "k".repeat(24)});
    credential(&house, "team", auth).await;
    let mut open = proxy("p");
    open.as_object_mut().unwrap().remove("proxyCredentialIds");
    merge(&mut open, json!({"authentication": "none"}));
    house.put("/proxies/p", &open).await;
    let (key, bearer) = (&house.key, format!("Bearer {}", house.key));
    let shown = [
        ("x-api-key", key.as_str()),
        ("x_api_key", key),
        ("X-Team-Key", "k"),
        ("authorization", &bearer),
        ("x-kept", "1"),
    ];
    admitted(&call(&house, &format!("?a=1&authorization={key}"), &shown).await);
    let seen = house.echo.last().unwrap();
    assert_eq!(seen.target, "/base/x?a=1");
    assert!(seen.headers.contains_key("x-kept"));
    let sent = format!("{:?}", seen.headers);
    assert!(!sent.contains(key.as_str()) && !seen.headers.contains_key("x-team-key"), "{sent}");
    // A header that begins to be one is one from then on.
    admitted(&call(&house, "", &[("x-new-key", "1")]).await);
    assert!(house.echo.last().unwrap().headers.contains_key("x-new-key"));
    let auth = json!({"type": "apiKey", "name": "X-New-Key"});
    credential(&house, "new", auth).await;
    admitted(&call(&house, "", &[("x-new-key", "1")]).await);
    assert!(!house.echo.last().unwrap().headers.contains_key("x-new-key"));
}

async fn call(house: &House, query: &str, headers: &[(&str, &str)]) -> Answer {
    house.call_with(Method::GET, &format!("/api/p/x{query}"), headers).await
}
