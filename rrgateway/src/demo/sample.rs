//! The sample: an upstream, callers with keys, and a proxy with every stage configured.

use std::fmt;

use anyhow::Context as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::demo::api::Api;
use crate::demo::caller::Caller;
use crate::demo::echo::Echo;

/// Everybody who takes part, but the gateway.
#[derive(Debug)]
pub(super) struct Sample {
    pub echo: Echo,
    pub api: Api,
    pub caller: Caller,
    pub keys: Keys,
}

/// The keys of the sample callers.
pub(super) struct Keys {
    /// Bound to the proxies.
    pub agent: Zeroizing<String>,
    /// A good key of the same client that is bound to none of them.
    pub intern: Zeroizing<String>,
    /// What the gateway shows the upstream. Nobody else gets it.
    pub upstream: Zeroizing<String>,
}

/// Configures the gateway behind `api` with the sample.
pub(super) async fn configure(api: &Api, echo: &Echo) -> anyhow::Result<Keys> {
    let secret = rrauth::api_key::generate().context("no randomness")?;
    let upstream = Zeroizing::new(format!("sk_crm_{}", secret.expose()));
    api.put("/targets/crm", &json!({
        "name": "CRM", "baseUrl": format!("http://{}/v2", echo.address()), "allowPlaintext": true,
    })).await?;
    api.put("/credentials/crm-key", &json!({
        "name": "CRM key", "kind": "target", "auth": { "type": "bearer", "token": upstream.as_str() },
    })).await?;
    let agent = caller_key(api, "agent").await?;
    let intern = caller_key(api, "intern").await?;
    for (id, per_minute) in [("crm", 60), ("crm-trial", 1)] {
        api.put(
            &format!("/proxies/{id}"),
            &json!({
                "name": id, "proxyCredentialIds": ["agent"], "targetId": "crm",
                "targetCredentialId": "crm-key",
                "limits": { "requestsPerMinute": per_minute, "requestsPerDay": 2000 },
            }),
        )
        .await?;
    }
    for (scope, rule) in rules() {
        api.post(&format!("{scope}/rules"), &rule).await?;
    }
    for (scope, filter) in filters() {
        api.post(&format!("{scope}/filters"), &filter).await?;
    }
    Ok(Keys { agent, intern, upstream })
}

async fn caller_key(api: &Api, id: &str) -> anyhow::Result<Zeroizing<String>> {
    let body = json!({ "name": id, "kind": "proxy", "auth": { "type": "apiKey" } });
    let made = api.put(&format!("/credentials/{id}"), &body).await?;
    let key = made.get("secret").and_then(Value::as_str).context("no key was made")?;
    Ok(Zeroizing::new(key.to_owned()))
}

// One of each kind, in each scope.
fn rules() -> [(&'static str, Value); 4] {
    [
        ("/targets/crm", json!({ "effect": "deny", "methods": ["DELETE"], "priority": 900 })),
        ("/proxies/crm", json!({ "effect": "deny", "path": { "pattern": "^/admin(/|$)" } })),
        (
            "/credentials/crm-key",
            json!({
                "effect": "deny", "headers": [{ "name": "x-impersonate", "presence": "present" }],
            }),
        ),
        ("/credentials/agent", json!({ "effect": "allow", "methods": ["GET", "POST", "DELETE"] })),
    ]
}

fn filters() -> [(&'static str, Value); 4] {
    [
        ("/credentials/crm-key", json!({ "operation": "destroy", "paths": ["$.taxNumber"] })),
        (
            "/targets/crm",
            json!({ "operation": "destroy", "paths": ["$.orders[*].internalMargin"] }),
        ),
        ("/credentials/agent", json!({ "operation": "destroy", "paths": ["$.email"] })),
        (
            "/proxies/crm",
            json!({
                "operation": "retain",
                "paths": ["$.id", "$.name", "$.orders", "$.youSent"],
            }),
        ),
    ]
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}
