//! The demo, as a stranger would run it.

#![cfg(test)]

use std::process::Command;

use serde_json::{Value, json};

#[test]
fn the_demo_shows_the_six_outcomes() {
    let output = demo(&["--once", "--json"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let seen: Vec<_> =
        rows.iter().map(|it| json!([it["status"], it["stage"], it["code"]])).collect();
    let expected = [
        json!([200, null, "proxy-access-granted"]),
        json!([401, "authenticate", "credential-missing"]),
        json!([403, "authorize", "not-authorized"]),
        json!([429, "limit", "quota-exceeded"]),
        json!([400, "rules", "rule-denied"]),
        json!([422, "filter", "response-not-filterable"]),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_demo_shows_what_the_upstream_saw_but_no_secret() {
    let output = demo(&["--once"]);
    assert!(output.status.success());
    let shown = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(shown.contains("the upstream's own credential, in Authorization: yes"), "{shown}");
    assert!(shown.contains("the caller's key gone: yes"), "{shown}");
    for secret in ["rr_live_", "sk_crm_", "Bearer rr_"] {
        assert!(!shown.contains(secret), "{secret} is shown");
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(log.contains("TRACE"), "the log must have been on for this to mean anything");
}

fn demo(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_rrgateway"))
        .arg("demo")
        .args(arguments)
        .env("RUST_LOG", "trace")
        .output()
        .unwrap()
}
