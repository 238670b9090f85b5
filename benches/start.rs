//! How long a gateway with many proxies takes to start, and how long one change takes.
//!
//! ```sh
//! cargo bench -p rr --bench start              # 10,000 proxies of 10 rules, no two sets alike
//! cargo bench -p rr --bench start -- 1000      # so many proxies
//! ```
//!
//! The store is filled once through the Core API, and then by copying the rows that this wrote:
//! 110,000 writes of their own would take longer than all that is measured. Each start is a process
//! of its own, as everybody's is: one that has started before has memory at hand, in pieces.

#![expect(clippy::disallowed_methods, reason = "what is measured here is the time")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use rusqlite::Connection;
use serde_json::json;

use crate::support::{House, proxy};

// As the `rrgateway` command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let begun = Instant::now();
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return start(Path::new(&directory), begun).await;
    }
    let count = std::env::args().filter_map(|it| it.parse().ok()).next().unwrap_or(10_000);
    let directory = tempfile::tempdir()?;
    fill(directory.path()).await?;
    copy(directory.path(), count)?;

    let (mut starts, mut changes) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut again = Command::new(std::env::current_exe()?);
        let said = again.env(DIRECTORY, directory.path()).stderr(Stdio::inherit()).output()?;
        let said = String::from_utf8(said.stdout)?;
        let times: std::result::Result<Vec<u64>, _> =
            said.split_whitespace().map(str::parse).collect();
        let mut times = times?.into_iter().map(Duration::from_micros);
        starts.push(times.next().ok_or("it did not start")?);
        changes.extend(times);
    }
    print(count, "start to ready", &mut starts);
    print(count, "one rule changed, until it is served", &mut changes);
    Ok(())
}

// Prints microseconds: how long it took to be ready since `begun`, and then how long each change.
async fn start(directory: &Path, begun: Instant) -> Result<()> {
    let house = House::bare(|it| it.data_dir(directory)).await;
    // Without a credential: what is asked for is whether it serves.
    let mut tries = tokio::time::interval(Duration::from_millis(1));
    while house.call_with(Method::GET, "/api/p/x", &[]).await.status != 401 {
        tries.tick().await;
    }
    println!("{}", begun.elapsed().as_micros());
    let process = std::process::id();
    for round in 0..5 {
        let begun = Instant::now();
        let rule = json!({ "path": { "pattern": format!("^/changed/{round}/{process}[0-9]+$") } });
        let answer = house.api(Method::PATCH, "/proxies/p/rules/r3", Some(&rule)).await;
        assert!(answer.status.is_success(), "{}", answer.json());
        println!("{}", begun.elapsed().as_micros());
    }
    house.gateway.stop().await?;
    Ok(())
}

// The proxy `p` with ten rules, some of which are automata and some plain text.
async fn fill(directory: &Path) -> Result<()> {
    let house = House::build_with(|it| it.data_dir(directory)).await;
    house.put("/proxies/p", &proxy("p")).await;
    for number in 0..10 {
        let path = match number % 2 {
            0 => format!("^/tenants/of-p/{number}/"),
            _ => format!("^/tenants/of-p/[0-9]+/{number}/(users|orders)$"),
        };
        let rule = json!({ "effect": "deny", "methods": ["DELETE"], "path": { "pattern": path } });
        house.put(&format!("/proxies/p/rules/r{number}"), &rule).await;
    }
    house.gateway.stop().await?;
    Ok(())
}

fn copy(directory: &Path, count: i64) -> rusqlite::Result<()> {
    let mut connection = Connection::open(directory.join("control.db"))?;
    let transaction = connection.transaction()?;
    let last: i64 =
        transaction.query_row("SELECT max(number) FROM revision", [], |row| row.get(0))?;
    let numbers = "WITH RECURSIVE numbers (n) AS \
                   (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)";
    // Eleven rows of `p` make eleven rows of `p1`, `p2`, … that differ in name and patterns.
    let copied = transaction.execute(
        &format!(
            "{numbers}, template AS (SELECT *, row_number() OVER (ORDER BY created_in) AS place
             FROM resource WHERE (kind = 'proxy' AND id = 'p') OR parent_id = 'p')
             INSERT INTO resource
             SELECT ? + n * 11 + place, kind, parent_kind,
                 CASE kind WHEN 'rule' THEN 'p' || n ELSE '' END,
                 CASE kind WHEN 'proxy' THEN 'p' || n ELSE id END,
                 changed_in, created_ms, updated_ms,
                 CASE kind WHEN 'proxy' THEN json_set(spec, '$.name', 'p' || n)
                     ELSE replace(spec, 'of-p', 'of-p' || n) END
             FROM numbers, template"
        ),
        (count - 1, last),
    )?;
    assert_eq!(i64::try_from(copied), Ok((count - 1) * 11));
    transaction.execute(
        "INSERT INTO revision SELECT number + ?, digest, author, created_ms FROM revision
         WHERE number = ?",
        (count * 11 + 11, last),
    )?;
    transaction.commit()
}

fn print(count: i64, what: &str, times: &mut [Duration]) {
    times.sort();
    let (least, median) = (times.first(), times.get(times.len() / 2));
    let [least, median] = [least, median].map(|it| it.copied().unwrap_or_default());
    println!("{count} proxies of 10 rules, {what}: at least {least:.1?}, median {median:.1?}");
}

const DIRECTORY: &str = "RR_BENCH_START_IN";
const STARTS: usize = 11;
