//! One request through each outcome, and what came of it.

use std::time::Duration;

use anyhow::Context as _;
use http::Method;
use serde_json::Value;

use crate::demo::caller::Answer;
use crate::demo::echo::customer;
use crate::demo::outcome::{Row, Upstream};
use crate::demo::page;
use crate::demo::sample::Sample;

/// What was tried, and what was seen.
#[derive(Clone, Debug)]
pub struct Demonstration {
    /// One for each outcome.
    pub rows: Vec<Row>,
    pub(super) upstream: Upstream,
}

impl Demonstration {
    /// How many outcomes were not the expected ones.
    #[must_use]
    pub fn unexpected(&self) -> usize {
        let wrong = self.rows.iter().filter(|row| {
            let should_reach = row.expected == 200 || row.expected == 422;
            row.status != row.expected || row.reached != should_reach
        });
        let upstream = &self.upstream;
        wrong.count() + usize::from(!upstream.is_injected || !upstream.is_caller_key_gone)
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        page::table(&self.rows, &self.upstream)
    }

    /// For programs: one JSON object a line.
    #[must_use]
    pub fn json(&self) -> String {
        page::lines(&self.rows)
    }
}

struct Try {
    outcome: &'static str,
    expected: u16,
    method: Method,
    path: &'static str,
    key: Key,
}

#[derive(Clone, Copy)]
enum Key {
    Agent,
    Intern,
    None,
}

/// Plays it.
pub(super) async fn play(sample: &Sample) -> anyhow::Result<Demonstration> {
    let first = attempt(sample, &GRANTED).await?;
    let upstream = observe(sample, &first.1)?;
    // Uses up the trial's one request a minute.
    attempt(sample, &LAST_OF_TRIAL).await?;
    let mut rows = vec![first.0];
    for it in &REFUSED {
        rows.push(attempt(sample, it).await?.0);
    }
    Ok(Demonstration { rows, upstream })
}

async fn attempt(sample: &Sample, it: &Try) -> anyhow::Result<(Row, Answer)> {
    let before = sample.echo.count();
    let key = match it.key {
        Key::Agent => Some(sample.keys.agent.as_str()),
        Key::Intern => Some(sample.keys.intern.as_str()),
        Key::None => None,
    };
    let headers: Vec<_> = key.into_iter().map(|key| ("x-api-key", key)).collect();
    let answer = sample.caller.call(it.method.clone(), it.path, &headers, None).await?;
    let problem = answer.json();
    let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
    let stage = if answer.status.is_success() { None } else { text("stage") };
    let code = if answer.status.is_success() { None } else { text("code") };
    let relayed = answer.header("rr-proxy-code").unwrap_or_default().to_owned();
    let row = Row {
        outcome: it.outcome,
        request: format!("{} {}", it.method, it.path),
        expected: it.expected,
        status: answer.status.as_u16(),
        stage,
        code: code.unwrap_or(relayed),
        reached: sample.echo.count() > before,
        removed: removed(sample, &answer).await?,
    };
    Ok((row, answer))
}

// From the audit record, which is queryable soon after the response.
async fn removed(sample: &Sample, answer: &Answer) -> anyhow::Result<Option<u64>> {
    if !answer.status.is_success() {
        return Ok(None);
    }
    let id = answer.header("rr-request-id").context("a response without rr-request-id")?;
    let mut tries = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..100 {
        tries.tick().await;
        let page = sample.api.get("/requests?limit=20").await?;
        let items = page.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let record = items.iter().find(|it| it.get("id").and_then(Value::as_str) == Some(id));
        let Some(filters) = record.and_then(|it| it.get("filters")?.as_array()) else { continue };
        let counts = filters.iter().filter_map(|it| it.get("removed")?.as_u64());
        return Ok(Some(counts.sum()));
    }
    anyhow::bail!("the audit record of {id} did not appear")
}

fn observe(sample: &Sample, answer: &Answer) -> anyhow::Result<Upstream> {
    let received = sample.echo.last().context("the upstream received nothing")?;
    let expected = format!("Bearer {}", sample.keys.upstream.as_str());
    let shown: Vec<_> = received.headers.get_all("authorization").iter().collect();
    let is_injected = matches!(shown.as_slice(), [one] if one.as_bytes() == expected.as_bytes());
    let agent = sample.keys.agent.as_bytes();
    let is_caller_key_gone = !received.headers.contains_key("x-api-key")
        && !received
            .headers
            .values()
            .any(|it| it.as_bytes().windows(agent.len()).any(|w| w == agent));
    let sent = customer(&received);
    Ok(Upstream { received, is_injected, is_caller_key_gone, sent, relayed: answer.json() })
}

const GRANTED: Try = Try {
    outcome: "granted",
    expected: 200,
    method: Method::GET,
    path: "/api/crm/customers/7",
    key: Key::Agent,
};

const LAST_OF_TRIAL: Try =
    Try { outcome: "last of the quota", path: "/api/crm-trial/customers/7", ..GRANTED };

const REFUSED: [Try; 5] = [
    Try { outcome: "no credential", expected: 401, key: Key::None, ..GRANTED },
    Try { outcome: "not authorized", expected: 403, key: Key::Intern, ..GRANTED },
    Try { outcome: "over quota", expected: 429, ..LAST_OF_TRIAL },
    Try { outcome: "denied by rule", expected: 400, method: Method::DELETE, ..GRANTED },
    Try { outcome: "not filterable", expected: 422, path: "/api/crm/report.txt", ..GRANTED },
];
