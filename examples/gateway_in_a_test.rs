//! The whole gateway in a test of yours: a real system on free ports, whose clock you move.
//!
//! `cargo run --example gateway_in_a_test`
//!
//! Put `#[tokio::test]` over the function, and it is a test.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, StatusCode};
use rrcore::ManualClock;
use rrgateway::Gateway;
use rrgateway::demo::Echo;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> support::Result<()> {
    my_agent_may_call_the_crm_once_a_minute_and_never_sees_its_secret().await
}

async fn my_agent_may_call_the_crm_once_a_minute_and_never_sees_its_secret() -> support::Result<()>
{
    let crm = Echo::start().await?;
    let hand = ManualClock::starting_at(Duration::from_secs(1_800_000_000));
    let gateway = Gateway::builder()
        .clock(hand.clock())
        // Loopback addresses may be called only because we say so.
        .egress_allow(["127.0.0.0/8".parse()?])
        .start()
        .await?;

    // Configured as a real one is: through the Core API.
    let core =
        Core { address: gateway.control_address(), token: gateway.owner_token()?.to_string() };
    let url = format!("http://{}", crm.address());
    let target = json!({ "name": "CRM", "baseUrl": url, "allowPlaintext": true });
    core.put("/targets/crm", &target).await?;
    let secret = json!({ "type": "bearer", "token": "the-third-partys-secret" });
    let theirs = json!({ "name": "CRM key", "kind": "target", "auth": secret });
    core.put("/credentials/crm-key", &theirs).await?;
    let ours = json!({ "name": "agent", "kind": "proxy", "auth": { "type": "apiKey" } });
    let made = core.put("/credentials/agent", &ours).await?;
    let key = made["secret"].as_str().ok_or("a new key is shown once")?;
    let proxy = json!({
        "name": "crm", "targetId": "crm", "targetCredentialId": "crm-key",
        "proxyCredentialIds": ["agent"], "limits": { "requestsPerMinute": 1 },
    });
    core.put("/proxies/crm", &proxy).await?;

    // A write is answered when it is in force, so there is nothing to wait for.
    let (data, shown) = (gateway.data_address(), [("x-api-key", key)]);
    let granted = support::get(data, "/api/crm/customers/7", &shown).await?;
    assert_eq!(granted.status, StatusCode::OK);
    assert!(!granted.body.contains("the-third-partys-secret"));
    let received = crm.last().ok_or("the upstream was not called")?;
    assert_eq!(received.headers["authorization"], "Bearer the-third-partys-secret");

    let refused = support::get(data, "/api/crm/customers/7", &shown).await?;
    assert_eq!(refused.code(), "quota-exceeded");
    hand.advance(Duration::from_secs(refused.header("retry-after").parse()?));
    let again = support::get(data, "/api/crm/customers/7", &shown).await?;
    assert_eq!(again.status, StatusCode::OK);

    gateway.stop().await?;
    Ok(())
}

/// The Core API of one gateway.
struct Core {
    address: SocketAddr,
    token: String,
}

impl Core {
    async fn put(&self, path: &str, body: &Value) -> support::Result<Value> {
        let token = format!("Bearer {}", self.token);
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let path = format!("/v1/clients/default{path}");
        let sent = support::send(Method::PUT, self.address, &path, &headers, body.to_string());
        let answer = sent.await?;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        Ok(answer.json())
    }
}
