//! Two gateways that count in one store; reported as ignored where there is no `redis-server`.
#![cfg(test)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use http::{Method, StatusCode};
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Server;

fn main() -> ExitCode {
    let version = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    let is_installed = version.is_ok_and(|it| it.success());
    let trial = |name: &str, test: fn()| {
        let test = move || {
            test();
            Ok(())
        };
        Trial::test(name, test).with_ignored_flag(!is_installed)
    };
    let trials = vec![
        trial("gateways_that_share_a_store_share_every_limit", share_every_limit),
        trial("without_their_store_limits_do_what_they_say", do_what_they_say),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn share_every_limit() {
    running(async |pair: &Pair| {
        let mut answers = Vec::new();
        for round in 0..10 {
            answers.push(call(&pair.gateways[round % 2], "p").await);
        }
        let passed = answers.iter().filter(|it| **it == StatusCode::BAD_GATEWAY).count();
        assert_eq!(passed, 4, "{answers:?}");
        assert!(answers[4..].iter().all(|it| *it == StatusCode::TOO_MANY_REQUESTS));
        // Each has let two pass, and says what both have.
        for gateway in &pair.gateways {
            assert_eq!(spent(gateway, "p").await, (json!(4), json!("store")));
        }
    });
}

fn do_what_they_say() {
    running(async |pair: &Pair| {
        let [one, _] = &pair.gateways;
        assert_eq!(call(one, "q").await, StatusCode::BAD_GATEWAY);
        pair.store.end();
        // Those that ask first wait for an answer that does not come.
        while call(one, "q").await != StatusCode::SERVICE_UNAVAILABLE {}
        let url = format!("http://{}/api/q/x", one.data);
        let (status, said) = one.try_call(Method::GET, &url, &[], None).await.unwrap();
        let problem: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (503, &json!("limit-unavailable")),
            "{said}"
        );
        // `p` shares: of four a minute, two gateways have two each.
        let mut passed = 0;
        while call(one, "p").await == StatusCode::BAD_GATEWAY {
            passed += 1;
            assert!(passed <= 4, "each gateway has its share, and no more");
        }
        assert!(passed > 0, "nobody is locked out");
        let record = degraded(one).await;
        assert_eq!(record["proxyId"], "p", "{record}");
        assert_eq!(spent(one, "p").await.1, "local");
        let (_, said) = one.api(Method::GET, "/notifications", None).await.unwrap();
        let changes =
            said["items"].as_array().unwrap().iter().filter_map(|it| it.get("limitsStore"));
        assert_eq!(changes.collect::<Vec<_>>(), ["away", "answers"], "newest first: {said}");
        is_measured(one).await;
        let log = std::fs::read_to_string(pair.folder.path().join("0.log")).unwrap();
        let told = log.lines().filter(|it| it.contains("limits.store does not answer")).count();
        assert_eq!(told, 1, "once for each change");
        assert!(!log.contains(PASSWORD), "a password is nobody's business");
    });
}

/// Two gateways with the same proxies: `p` shares when the store is gone, a meter of `q` denies.
struct Pair {
    gateways: [Server; 2],
    store: Redis,
    folder: TempDir,
}

fn running(test: impl AsyncFnOnce(&Pair)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (folder, store) = (tempfile::tempdir().unwrap(), Redis::start());
        let gateways = [gateway(&folder, &store, "0").await, gateway(&folder, &store, "1").await];
        test(&Pair { gateways, store, folder }).await;
    });
}

async fn gateway(folder: &TempDir, store: &Redis, name: &str) -> Server {
    let (data, log) = (folder.path().join(name), folder.path().join(format!("{name}.log")));
    let env = [("RR_LIMITS_STORE", store.url()), ("RR_LIMITS_TIMEOUT_MS", "500".to_owned())];
    let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = Server::start_with(&data, &log, &env).await;
    let target = json!({"name": "t", "baseUrl": "http://127.0.0.1:1", "allowPlaintext": true});
    let proxy = |name: &str| json!({"name": name, "targetId": "t", "authentication": "none"});
    let mut limited = proxy("p");
    limited["limits"] = json!({"requestsPerMinute": 4});
    let meter = json!({"name": "m", "type": "requestCount", "onStoreFailure": "deny",
        "limits": [{"window": "day", "max": 100}]});
    for (path, body) in [
        ("/targets/t", target),
        ("/proxies/p", limited),
        ("/proxies/q", proxy("q")),
        ("/proxies/q/meters/m", meter),
    ] {
        let (status, said) = server.api(Method::PUT, path, Some(&body)).await.unwrap();
        assert!(status.is_success(), "{path}: {said}");
    }
    server
}

// Nobody listens where it leads: what is let in is answered 502.
async fn call(server: &Server, proxy: &str) -> StatusCode {
    let url = format!("http://{}/api/{proxy}/x", server.data);
    server.try_call(Method::GET, &url, &[], None).await.unwrap().0
}

// That the store is away, why, and what was decided without it.
async fn is_measured(server: &Server) {
    let url = format!("http://{}/metrics", server.control);
    let (status, text) = server.try_call(Method::GET, &url, &[], None).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    let value = |name: &str| -> u64 {
        let line = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}:\n{text}")).parse().unwrap()
    };
    assert_eq!(value("rrgateway_limits_store_up"), 0);
    let troubles = text.lines().filter(|it| it.starts_with("rrgateway_limits_store_trouble{"));
    assert_eq!(troubles.filter(|it| it.ends_with(" 1")).count(), 1, "{text}");
    assert_eq!(value("rrgateway_limits_store_outages_total"), 1);
    assert!(value("rrgateway_limits_store_gateways") > 0);
    assert!(value("rrgateway_limits_store_failed_calls_total") > 0);
    let decided = |how: &str| {
        value(&format!("rrgateway_limits_degraded_decisions_total{{decision=\"{how}\"}}"))
    };
    assert!(decided("share") > 0 && decided("deny") > 0, "{text}");
    assert_eq!(decided("allow"), 0);
    assert!(value("rrgateway_limits_degraded_requests_total") > 1);
    assert!(!text.contains(PASSWORD), "a password is nobody's business");
    let page = include_str!("../docs/metrics.md");
    let (_, of_store) = page.split_once("\n## A shared store\n").unwrap();
    let (of_store, _) = of_store.split_once("\n## ").unwrap();
    for row in of_store.lines().filter_map(|it| it.strip_prefix("| `")?.split_once('`')) {
        assert!(text.contains(&format!("\n{}", row.0)), "{}", row.0);
    }
}

// Of the first limit of a proxy: how much, and who says so.
async fn spent(server: &Server, proxy: &str) -> (Value, Value) {
    let (_, usage) = server.api(Method::GET, "/usage", None).await.unwrap();
    let items = usage["items"].as_array().unwrap();
    let of_proxy = items.iter().find(|it| it["proxyId"] == proxy).unwrap();
    (of_proxy["limits"][0]["spent"].clone(), of_proxy["limits"][0]["source"].clone())
}

// The newest record of a request that was decided without the store, once it is there.
async fn degraded(server: &Server) -> Value {
    let mut tries = tokio::time::interval(Duration::from_millis(20));
    loop {
        tries.tick().await;
        let (_, page) = server.api(Method::GET, "/proxies/p/requests", None).await.unwrap();
        let items = page["items"].as_array().unwrap();
        if let Some(record) = items.iter().find(|it| it["limitsDegraded"] == true) {
            return record.clone();
        }
    }
}

/// A `redis-server` of the test's own, gone when the test is, and after two minutes if that fails.
struct Redis {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Redis {
    fn start() -> Self {
        (0..5).find_map(|_| Self::start_once()).expect("a server starts")
    }

    // Somebody may take the port between its choice and its use.
    fn start_once() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new("timeout")
            .args(["--kill-after=1", "120", "redis-server", "--bind", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .args(["--requirepass", PASSWORD, "--save", "", "--appendonly", "no", "--pidfile"])
            .arg(folder.path().join("pid"))
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(child.stdout.take()?).lines();
        if !lines.any(|it| it.is_ok_and(|it| it.contains("Ready to accept connections"))) {
            _ = child.wait();
            return None;
        }
        // What nobody reads would fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, port, folder })
    }

    fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}/", self.port)
    }

    /// Its memory goes with it.
    fn end(&self) {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap();
        assert!(Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap_or_default();
        _ = Command::new("kill").args(["-KILL", pid.trim()]).stderr(Stdio::null()).status();
        _ = self.child.wait();
    }
}

const PASSWORD: &str = "canary-5d1f0a";
