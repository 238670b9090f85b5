//! The commands that administer: the real binary, what it prints, and how it ends.

#![cfg(test)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::Server;

const GOOD: &str = "\
version: 1
client: default
credentials:
  - name: stripe-key
    kind: target
    auth: {type: bearer, token: {file: secret.txt}}
  - name: agent
    kind: proxy
    auth: {type: apiKey}
targets:
  - name: stripe
    baseUrl: https://api.stripe.com
    rules:
      - {effect: deny, path: {pattern: '^/admin'}}
proxies:
  - name: payments
    alias: payments
    target: stripe
    targetCredential: stripe-key
    proxyCredentials: [agent]
    limits: {requestsPerMinute: 60}
    rules:
      - {effect: deny, methods: [DELETE]}
    filters:
      - {operation: destroy, paths: ['$.card.number']}
    meters:
      - {name: calls, type: requestCount, limits: [{window: hour, max: 100}]}
";

#[tokio::test]
async fn the_core_api_is_called_by_the_names_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = [("RR_CONTROL_HOSTS", "gw.example, other.example")];
    let data = folder.path().join("data");
    let server = Server::start_with(&data, &folder.path().join("log"), &hosts).await;
    let url = format!("http://{}/v1/openapi.json", server.control);
    for (host, expected) in [
        ("gw.example", 200),
        ("GW.example:443", 200),
        ("other.example", 200),
        ("127.0.0.1", 200),
        ("evil.example", 421),
    ] {
        let (status, text) =
            server.try_call(Method::GET, &url, &[("host", host)], None).await.unwrap();
        assert_eq!(status.as_u16(), expected, "{host}: {text}");
    }
    let refused = run(folder.path(), &["run", "--control-host", "*.example"]);
    assert!(!refused.status.success());
    let said = stderr(&refused);
    assert!(said.contains("control.hosts: `*.example` is no name"), "{said}");
}

#[tokio::test]
async fn no_core_file_has_secrets_in_it_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let none = ["0".to_owned(), "0".to_owned()];
    for (env, expected) in [
        (&[][..], none.clone()),
        (&[("RR_CORE_DUMPS", "false")][..], none),
        (&[("RR_CORE_DUMPS", "true")][..], core_limits("self")),
    ] {
        let server = Server::start_with(&data, &log, env).await;
        assert_eq!(core_limits(&server.child.id().to_string()), expected, "{env:?}");
        server.kill();
    }
}

// How long a core file of `process` may be, and how far it may raise that.
fn core_limits(process: &str) -> [String; 2] {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = limits.lines().find_map(|it| it.strip_prefix("Max core file size")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    [words.next().unwrap(), words.next().unwrap()]
}

#[tokio::test]
async fn what_is_made_is_for_its_owner_and_what_is_not_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let warnings = || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.lines()
            .filter(|it| it.contains("access to this"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let server = Server::start(&data, &log).await;
    let auth = json!({"type": "bearer", "token": "canary"});
    let credential = json!({"name": "c", "kind": "target", "auth": auth});
    let path = "/credentials/c";
    let (status, said) = server.api(Method::PUT, path, Some(&credential)).await.unwrap();
    assert!(status.is_success(), "{said}");
    server.kill();
    Server::start(&data, &log).await.kill();
    assert_eq!(warnings(), [""; 0]);

    let set = |path: &str, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(data.join(path), mode).unwrap();
    };
    set("vault/default", 0o750);
    set("control.db", 0o644);
    Server::start(&data, &log).await.kill();
    let [file, folder] = &warnings()[..] else { panic!("{:?}", warnings()) };
    let at = |path: &str| data.join(path).display().to_string();
    assert!(file.contains("WARN") && file.contains("0644"), "{file}");
    assert!(file.contains(&format!("chmod 600 {}", at("control.db"))), "{file}");
    assert!(folder.contains(&format!("chmod 700 {}", at("vault/default"))), "{folder}");
}

#[tokio::test]
async fn nothing_is_made_for_others_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let listen = "--data-listen 127.0.0.1:0 --control-listen 127.0.0.1:0";
    let mut child = Command::new("sh")
        .args(["-c", &format!("umask 0; exec \"$0\" run {listen} --data-dir \"$1\"")])
        .arg(env!("CARGO_BIN_EXE_rrgateway"))
        .arg(&data)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut tries = tokio::time::interval(Duration::from_millis(10));
    while !data.join("listen.json").exists() {
        tries.tick().await;
        assert!(child.try_wait().unwrap().is_none(), "it ended");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&data) & 0o077, 0);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        // Where it listens is no secret, and not for others to say.
        let wanted = if path.ends_with("listen.json") { 0o022 } else { 0o077 };
        assert_eq!(mode(&path) & wanted, 0, "{path:?}");
    }
}

#[tokio::test]
async fn explain_tells_what_becomes_of_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data, &folder.path().join("log")).await;
    for (path, body) in [
        ("/targets/t", json!({"name": "t", "baseUrl": "https://api.example.com"})),
        (
            "/credentials/agent",
            json!({"name": "agent", "kind": "proxy", "auth": {"type": "apiKey"}}),
        ),
        ("/proxies/crm", json!({"name": "crm", "targetId": "t", "proxyCredentialIds": ["agent"]})),
        (
            "/proxies/crm/rules/no-delete",
            json!({"effect": "deny", "methods": ["DELETE"], "headers": [{"name": "x-a"}]}),
        ),
    ] {
        let (status, said) = server.api(Method::PUT, path, Some(&body)).await.unwrap();
        assert!(status.is_success(), "{path}: {said}");
    }
    let asked = ["explain", "--proxy", "crm", "--path", "/a", "--credential", "agent"];
    let local = ["--data-dir", data.to_str().unwrap()];

    let output = run(folder.path(), &[&asked[..], &local[..], &["--method", "DELETE"]].concat());
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("DELETE /a through crm as agent goes to the upstream"), "{text}");
    assert!(text.contains("no-delete") && text.contains("fails on /headers/0"), "{text}");

    let header = ["--method", "DELETE", "--header", "X-A: 1", "--json"];
    let output = run(folder.path(), &[&asked[..], &local[..], &header[..]].concat());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((&said["allowed"], &said["status"]), (&json!(false), &json!(400)));

    // The same, told where and with which token.
    let url = format!("http://{}", server.control);
    let remote = ["--server", &url, "--token", server.token()];
    let output = run(folder.path(), &[&asked[..], &remote[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    for (flags, expected) in [
        (vec!["--server", &url, "--token", "wrong"], "unauthenticated"),
        (vec!["--server", &url], "--token"),
        (vec!["--server", "http://127.0.0.1:1", "--token", "t"], "no answer from"),
        (vec!["--data-dir", "nowhere"], "is a gateway running there?"),
        (vec!["--data-dir", local[1], "--method", "delete"], "/method: methods are"),
        (vec!["--data-dir", local[1], "--body", "@nowhere"], "nowhere cannot be read"),
    ] {
        let output = run(folder.path(), &[&asked[..], &flags[..]].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{flags:?}: {said}");
        assert!(said.contains(expected), "{flags:?}: {said}");
        assert!(!said.contains(server.token()));
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_good_file_is_valid_also_where_its_secrets_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = validate(folder.path(), GOOD);
    assert_eq!(code, Some(0), "{said}");
    let warning = "file.yaml:6: warning: credentials[0].auth.token: this file cannot be read here";
    assert!(said.contains(warning), "{said}");

    std::fs::write(folder.path().join("secret.txt"), "sk_live_canary\n").unwrap();
    let (code, said) = validate(folder.path(), GOOD);
    let counts =
        "2 credentials, 1 target, 1 proxy, 2 rules, 1 filter, 1 meter; 0 errors, 0 warnings";
    assert_eq!((code, said), (Some(0), format!("file.yaml: valid: {counts}\n")));
}

#[test]
fn every_problem_of_a_bad_file_has_its_line_and_place() {
    for (from, to, expected) in PROBLEMS {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret.txt"), "sk_live_canary").unwrap();
        let file = GOOD.replacen(from, to, 1);
        assert_ne!(file, GOOD, "{from}");
        let (code, said) = validate(folder.path(), &file);
        let is_error = expected.contains(": error: ");
        assert_eq!(code, Some(i32::from(is_error)), "{to}: {said}");
        assert!(said.starts_with(&format!("file.yaml:{expected}")), "{to}: {said}");
        assert!(!said.contains("canary"), "{to}: {said}");
    }
}

#[test]
fn several_problems_are_told_at_once_and_each_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret.txt"), "sk_live_canary").unwrap();
    let file = GOOD
        .replace("name: stripe\n    baseUrl", "name: stripe\n    baseURL")
        .replace("effect: deny, methods", "effect: never, methods")
        .replace("kind: proxy", "kind: caller");
    let (code, said) = validate(folder.path(), &file);
    let places: Vec<_> =
        said.lines().filter_map(|it| it.split(": error: ").nth(1)?.split(':').next()).collect();
    let expected = [
        "credentials[1].kind",
        "targets[0].baseUrl",
        "targets[0].baseURL",
        "proxies[0].rules[0].effect",
    ];
    assert_eq!((code, places), (Some(1), expected.to_vec()), "{said}");
}

#[test]
fn json_is_checked_too_and_a_secret_in_the_environment_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = json!({"version": 1, "credentials": [
        {"name": "a", "kind": "proxy", "auth": {"type": "apiKey", "key": {"env": "RR_TEST_KEY"}}},
    ]});
    std::fs::write(folder.path().join("file.json"), format!("{file:#}")).unwrap();
    for (key, code, expected) in [
        (Some("long-enough-to-be-a-key-of-a-caller"), 0, "0 errors, 0 warnings"),
        (Some("canary"), 1, "credentials[0].auth.key: expected 24 to 8192 bytes of text"),
        (None, 0, "warning: credentials[0].auth.key: this environment variable is not set here"),
    ] {
        let mut command = command(folder.path(), &["validate", "-f", "file.json"]);
        command.env_remove("RR_TEST_KEY");
        key.map(|it| command.env("RR_TEST_KEY", it));
        let output = command.output().unwrap();
        let said = stdout(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected) && !said.contains("canary"), "{said}");
    }
    let output = run(folder.path(), &["validate", "-f", "nowhere.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nowhere.yaml cannot be read"));
}

fn validate(folder: &Path, text: &str) -> (Option<i32>, String) {
    std::fs::write(folder.join("file.yaml"), text).unwrap();
    let output = run(folder, &["validate", "-f", "file.yaml"]);
    (output.status.code(), stdout(&output))
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rrgateway"));
    for name in ["RR_SERVER", "RR_TOKEN", "RR_DATA_DIR", "RR_EGRESS_ALLOW"] {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments);
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What is changed in the good file, and what is said of it.
const PROBLEMS: [(&str, &str, &str); 17] = [
    ("version: 1", "version: 2", "1: error: version: expected 1"),
    ("client: default", "client: other", "2: error: client: expected default: there is one client"),
    (
        "proxies:",
        "proxys:",
        "15: error: proxys: there is no such field here (there are: version, client, \
         credentials, targets, proxies)",
    ),
    (
        "target: stripe\n",
        "target: stipe\n",
        "18: error: proxies[0].target: there is no target of this name in the file",
    ),
    (
        "    target: stripe\n",
        "    targetId: stripe\n",
        "18: error: proxies[0].targetId: a file refers to things by their names: write target",
    ),
    ("    target: stripe\n", "", "16: error: proxies[0].target: this is required"),
    (
        "[agent]",
        "[agent, stripe-key]",
        "20: error: proxies[0].proxyCredentials[1]: this is a credential of kind target",
    ),
    ("'^/admin'", "'(admin'", "14: error: targets[0].rules[0].path.pattern: "),
    (
        "methods: [DELETE]",
        "methods: [delete]",
        "23: error: proxies[0].rules[0].methods[0]: methods are case-sensitive: write DELETE",
    ),
    ("'$.card.number'", "'$..'", "25: error: proxies[0].filters[0].paths[0]: at 3: "),
    ("window: hour", "window: week", "27: error: proxies[0].meters[0].limits[0].window: expected "),
    (
        "{file: secret.txt}",
        "sk_live_canary",
        "6: error: credentials[0].auth.token: a file has no secrets in it: ",
    ),
    (
        "{type: bearer, token: {file: secret.txt}}",
        "{type: custom, headers: {X-A: {file: secret.txt}, X-B: canary}}",
        "6: error: credentials[0].auth.headers.X-B: a file has no secrets in it: ",
    ),
    (
        "name: agent",
        "name: stripe-key",
        "7: error: credentials[1].name: there is one of this name already",
    ),
    (
        "https://api.stripe.com",
        "http://127.0.0.1",
        "12: error: targets[0].baseUrl: plain http needs",
    ),
    ("version: 1", "version: 1\nversion: 1", "2: error: this cannot be read: "),
    (
        "    proxyCredentials: [agent]\n",
        "    authentication: none\n",
        "20: warning: proxies[0].authentication: anybody may call this proxy",
    ),
];
