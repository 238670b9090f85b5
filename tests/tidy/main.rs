//! What the compiler cannot check: the direction, size and shape of the source tree.

mod mention;
mod modules;
mod token;
mod tree;

use std::collections::BTreeMap;

use self::mention::{Mention, mentions};
use self::modules::{Crate, cycles};
use self::token::{functions, split_tests, starts_with, tokens};
use self::tree::{File, dependencies, files};

/// What is allowed although a rule refuses it. An entry that is no longer needed fails.
const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: Rule::CrateDirection,
        subject: "rrauth depends on tokio",
        reason: "behind its features only: a fetch that outlives who caused it, a hash off the path \
                 of requests, and a time for both need a runtime, and there is no neutral one",
    },
    Exception {
        rule: Rule::CrateDirection,
        subject: "rratelimit depends on tokio",
        reason: "behind its feature `redis` only: the client of the store runs on it",
    },
    Exception {
        rule: Rule::Size,
        subject: "rrcore",
        reason: "200 lines over: what is compiled of an injected secret has to go when the secret \
                 does, and only who keeps the secret can see to that; and several stages take lines \
                 off a head by their names, in one pass",
    },
];

/// Each crate, and the crates of this workspace that it may depend on.
const CRATES: [(&str, &[&str]); 5] = [
    ("rrcore", &[]),
    ("rratelimit", &["rrcore"]),
    ("rrauth", &["rrcore"]),
    ("rrrules", &["rrcore"]),
    ("rrfilter", &["rrcore"]),
];
/// A stage works in anybody's service, on anybody's runtime.
const SERVERS: [&str; 4] = ["axum", "hyper", "hyper-util", "tokio"];

/// Each part of the gateway, and the parts that it must not know.
const PARTS: [(&str, &[&str]); 4] = [
    ("model", &["data_plane", "control_plane", "gateway", "cli", "demo", "settings"]),
    ("listen", &["model", "data_plane", "control_plane", "gateway", "cli", "demo", "settings"]),
    ("data_plane", &["control_plane", "gateway", "cli", "demo", "settings"]),
    ("control_plane", &["data_plane", "gateway", "cli", "demo", "settings"]),
];

const MAX_FILE: usize = 300;
const MAX_MEDIAN: usize = 90;
const MAX_FUNCTION: usize = 50;
/// What every stage depends on stays small; not counting its optional features.
const MAX_RRCORE: usize = 1_500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    CrateDirection,
    PartDirection,
    Opening,
    Size,
    Cycle,
    Unfinished,
}

struct Exception {
    rule: Rule,
    /// The finding's.
    subject: &'static str,
    reason: &'static str,
}

/// What breaks a rule: `subject`, which stays the same while lines move, and where or how much.
#[derive(Debug)]
struct Finding {
    subject: String,
    detail: String,
}

#[test]
fn crates_depend_in_one_direction() {
    let manifests = files(&["Cargo.toml"]);
    let package = |it: &File| it.path.split_once('/').map(|it| it.0.to_owned());
    let workspace: Vec<_> = manifests.iter().filter_map(package).collect();
    let mut findings = Vec::new();
    for (name, allowed) in CRATES {
        let path = format!("{name}/Cargo.toml");
        let manifest = manifests.iter().find(|it| it.path == path);
        let manifest = manifest.unwrap_or_else(|| panic!("no {path}: moved?"));
        for dependency in dependencies(&manifest.text) {
            let is_ours = workspace.iter().any(|it| it == dependency);
            let is_refused = is_ours && !allowed.contains(&dependency);
            if is_refused || SERVERS.contains(&dependency) {
                findings
                    .push(Finding::new(format!("{name} depends on {dependency}"), path.clone()));
            }
        }
    }
    judge(Rule::CrateDirection, &findings);
}

#[test]
fn the_parts_of_the_gateway_know_each_other_in_one_direction() {
    let files = files(&[".rs"]);
    let gateway = &crates(&files)["rrgateway"];
    let mut findings = Vec::new();
    for (part, refused) in PARTS {
        let inside = gateway.modules.iter().filter(|it| it.0.first().is_some_and(|it| it == part));
        assert!(inside.clone().next().is_some(), "no rrgateway/src/{part}: moved?");
        for (name, module) in inside {
            for mention in module.code.iter().chain(&module.tests) {
                let path = gateway.absolute(name, mention).unwrap_or_default();
                let definition = gateway.resolve(path.clone());
                let known = [path.first(), definition.first()].into_iter().flatten();
                let known = known.filter(|it| refused.contains(&it.as_str())).take(1);
                findings.extend(known.map(|it| {
                    let file = format!("rrgateway/src/{}", module.file);
                    Finding::new(format!("{file}: mentions {it}"), format!("line {}", mention.line))
                }));
            }
        }
    }
    judge(Rule::PartDirection, &findings);
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let files = files(&[".rs"]);
    let silent = files.iter().filter(|it| !says_what_it_is_for(&it.text));
    let finding = |it: &File| Finding::new(format!("{}: opens without `//! `", it.path), "");
    judge(Rule::Opening, &silent.map(finding).collect::<Vec<_>>());
}

#[test]
fn every_file_and_function_fits_in_the_head() {
    let files = files(&[".rs"]);
    let (mut sizes, mut findings) = (Vec::new(), Vec::new());
    let mut limit = |subject: String, line: usize, size: usize, most: usize| {
        if size > most {
            let detail = format!("line {line}: {size} code lines, at most {most}");
            findings.push(Finding::new(subject, detail));
        }
    };
    for (name, source) in crates(&files) {
        if name == "rrcore" {
            // Its features are taken only by whoever asks for them.
            let features = ["json/", "coding/", "records/"];
            let optional = |file: &str| features.iter().any(|it| file.starts_with(it));
            let own = source.modules.values().filter(|it| !optional(&it.file));
            limit("rrcore".to_owned(), 1, own.map(|it| it.code_lines).sum(), MAX_RRCORE);
        }
        for module in source.modules.values().filter(|it| it.code_lines > 0) {
            let path = format!("{name}/src/{}", module.file);
            limit(path.clone(), 1, module.code_lines, MAX_FILE);
            sizes.push(module.code_lines);
            let file = files.iter().find(|it| it.path == path);
            let all = tokens(file.map_or("", |it| &it.text));
            for function in functions(&split_tests(&all).0) {
                let subject = format!("{path}: fn {}", function.name);
                limit(subject, function.line, function.code_lines, MAX_FUNCTION);
            }
        }
    }
    limit("the median file".to_owned(), 1, median(sizes), MAX_MEDIAN);
    judge(Rule::Size, &findings);
}

#[test]
fn no_module_leads_back_to_itself() {
    let files = files(&[".rs"]);
    let mut findings = Vec::new();
    for (name, source) in crates(&files) {
        let edges = source.edges();
        for cycle in cycles(&edges) {
            let modules: Vec<_> = cycle.split(" -> ").collect();
            let place = |it: &[&str]| edges[it[0]][it[1]].clone();
            let places: Vec<_> = modules.windows(2).map(place).collect();
            findings.push(Finding::new(format!("{name}: {cycle}"), places.join(", ")));
        }
    }
    judge(Rule::Cycle, &findings);
}

#[test]
fn nothing_is_left_for_later_and_no_test_waits() {
    let mut findings = Vec::new();
    let files = files(&[".rs"]);
    let crates = crates(&files);
    for File { path, text } in &files {
        let mut found = |what: &str, line: usize| {
            findings.push(Finding::new(format!("{path}: {what}"), format!("line {line}")));
        };
        for (what, line) in unfinished(text) {
            found(what, line);
        }
        let all = tokens(text);
        let tests = match source_of(path) {
            Some((name, file)) => {
                let mut modules = crates[name].modules.values();
                modules.find(|it| it.file == file).map(|it| it.tests.clone()).unwrap_or_default()
            }
            None => mentions(&all),
        };
        tests.iter().filter(|it| sleeps(it)).for_each(|it| found("sleep in a test", it.line));
    }
    judge(Rule::Unfinished, &findings);
}

/// The crates of the workspace that have sources, by their folders.
fn crates(files: &[File]) -> BTreeMap<&str, Crate> {
    let mut sources = BTreeMap::<_, Vec<_>>::new();
    for file in files {
        if let Some((name, path)) = source_of(&file.path) {
            sources.entry(name).or_default().push((path, file.text.as_str()));
        }
    }
    sources.into_iter().map(|(name, files)| (name, Crate::new(files))).collect()
}

/// The crate's folder, and the path under its `src`.
fn source_of(path: &str) -> Option<(&str, &str)> {
    path.split_once("/src/")
}

fn says_what_it_is_for(text: &str) -> bool {
    let paragraph = text.lines().map_while(|it| it.strip_prefix("//! "));
    text.starts_with("#![doc = include_str!(")
        || paragraph.last().is_some_and(|it| it.trim_end().ends_with(['.', ':', '?', '!']))
}

/// What in a file is not done, and on which line.
fn unfinished(text: &str) -> Vec<(&'static str, usize)> {
    let mut found = Vec::new();
    let all = tokens(text);
    for at in 0..all.len() {
        let is_macro =
            |name| ["(", "[", "{"].iter().any(|it| starts_with(&all[at..], &[name, "!", it]));
        found.extend(
            [
                (is_macro("todo"), "todo!"),
                (is_macro("unimplemented"), "unimplemented!"),
                (is_macro("dbg"), "dbg!"),
                (starts_with(&all[at..], &["#", "[", "ignore"]), "#[ignore]"),
            ]
            .into_iter()
            .filter(|it| it.0)
            .map(|it| (it.1, all[at].line)),
        );
    }
    for (line, text) in (1..).zip(text.lines()) {
        let mut words = text.split(|it: char| !it.is_alphanumeric() && it != '_');
        let is_note = |it: &str| [concat!("TO", "DO"), concat!("FIX", "ME")].contains(&it);
        found.extend(words.any(is_note).then_some(("a note for later", line)));
    }
    found
}

/// Whether it names a function that waits for the clock on the wall.
fn sleeps(mention: &Mention) -> bool {
    let segments: Vec<_> = mention.segments.iter().map(String::as_str).collect();
    matches!(segments[..], [.., "thread" | "time", "sleep" | "sleep_until"])
}

fn median(mut sizes: Vec<usize>) -> usize {
    sizes.sort_unstable();
    sizes.get(sizes.len() / 2).copied().unwrap_or_default()
}

#[track_caller]
fn judge(rule: Rule, findings: &[Finding]) {
    let complaints = complaints(rule, findings, EXCEPTIONS);
    assert!(complaints.is_empty(), "{rule:?}:\n  {}", complaints.join("\n  "));
}

/// The findings that no exception allows, and the exceptions that allow nothing.
fn complaints(rule: Rule, findings: &[Finding], exceptions: &[Exception]) -> Vec<String> {
    let exceptions = || exceptions.iter().filter(|it| it.rule == rule && !it.reason.is_empty());
    let allows = |it: &Exception, finding: &Finding| finding.subject == it.subject;
    let refused = findings.iter().filter(|it| !exceptions().any(|exception| allows(exception, it)));
    let stale = exceptions().filter(|it| !findings.iter().any(|finding| allows(it, finding)));
    let refused = refused.map(|it| format!("{}  [{}]", it.subject, it.detail));
    refused.chain(stale.map(|it| format!("stale exception: {}", it.subject))).collect()
}

impl Finding {
    fn new(subject: String, detail: impl Into<String>) -> Self {
        Self { subject, detail: detail.into() }
    }
}

#[test]
fn an_exception_that_allows_nothing_fails() {
    let findings = ["a", "b"].map(|it| Finding::new(it.to_owned(), "1"));
    let exception = |rule, subject, reason| Exception { rule, subject, reason };
    let complaints = |it: &[Exception]| complaints(Rule::Size, &findings, it);
    assert_eq!(complaints(&[]), ["a  [1]", "b  [1]"]);
    assert_eq!(complaints(&[exception(Rule::Size, "a", "so")]), ["b  [1]"]);
    let other = [exception(Rule::Cycle, "a", "so"), exception(Rule::Size, "a", "")];
    assert_eq!(complaints(&other), ["a  [1]", "b  [1]"]);
    let stale = ["a", "b", "c"].map(|it| exception(Rule::Size, it, "so"));
    assert_eq!(complaints(&stale), ["stale exception: c"]);
}

#[test]
fn what_is_left_for_later_is_found_in_code_only() {
    let what = |it: &str| unfinished(it).into_iter().map(|it| it.0).collect::<Vec<_>>();
    assert_eq!(what("#[ignore = \"a\"] fn f() { todo!() }"), ["#[ignore]", "todo!"]);
    assert_eq!(what("dbg!(a); std::unimplemented![]"), ["dbg!", "unimplemented!"]);
    assert_eq!(what("// todo!() #[ignore]\nif todo != \"dbg!()\" {}"), [""; 0]);
    assert_eq!(what(concat!("// TO", "DO: a\n// TO", "DOS")), ["a note for later"]);
    assert_eq!(what(concat!("let a = \"FIX", "ME\";")), ["a note for later"]);
}

#[test]
fn a_sleep_is_found_however_it_is_imported() {
    let sleeps = |it: &str| mentions(&tokens(it)).iter().any(sleeps);
    for text in ["std::thread::sleep(a)", "use tokio::time::{self, sleep};", "time::sleep(a).await"]
    {
        assert!(sleeps(text), "{text}");
    }
    assert!(!sleeps("use tokio::time::advance; // thread::sleep\nself.sleep()"));
}

#[test]
fn an_opening_is_a_whole_sentence() {
    assert!(says_what_it_is_for("//! A\n//! b.\n//!\n//! C"));
    assert!(says_what_it_is_for("#![doc = include_str!(\"../README.md\")]"));
    assert!(!says_what_it_is_for("//! A"));
    assert!(!says_what_it_is_for("// A.\nuse a;"));
    assert!(!says_what_it_is_for("\n//! A."));
}
