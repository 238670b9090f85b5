//! What is denied cannot be reached by another spelling, whatever the server behind makes of it.

use http::Uri;
use proptest::prelude::*;
use rrrules::{CanonicalPath, DuplicateSlashes, EncodedPercent, EncodedSlash, PathOptions};

use crate::judge::Judge;
use crate::oracle::forbidden;
use crate::targets::{all_options, any_options, collection, config, hostile};

#[test]
fn no_known_attack_gets_through() {
    let Some(cases) = collection("paths.dev.jsonl") else { return };
    let (mut passed, mut bypasses) = (0, Vec::new());
    for case in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(case).unwrap();
        let target = case["target"].as_str().unwrap();
        // What is no URI is refused by the server, before any layer.
        let uri = target.parse::<Uri>();
        for raw in [uri.as_ref().map_or(target, Uri::path), target] {
            for found in all_options().into_iter().filter_map(|it| go_on(raw, it)) {
                passed += 1;
                bypasses.extend(found.bypass());
            }
        }
    }
    println!("{} targets, {passed} times one went on", cases.lines().count());
    assert!(passed > 0, "nothing at all went on");
    assert!(bypasses.is_empty(), "{} bypasses:\n{}", bypasses.len(), bypasses.join("\n"));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nor_does_any_mixture_of_tricks(
        raw in hostile(),
        options in any_options(),
    ) {
        if let Some(found) = go_on(&raw, options) {
            prop_assert_eq!(found.bypass(), None, "{} {:?}", raw, options);
        }
    }
}

#[test]
fn it_is_the_other_readings_that_stop_these() {
    let strict = PathOptions::strict();
    let slash = strict.encoded_slash(EncodedSlash::Keep);
    let slashes = strict.duplicate_slashes(DuplicateSlashes::Keep);
    let percent = strict.encoded_percent(EncodedPercent::Keep);
    let all = slash.duplicate_slashes(DuplicateSlashes::Keep).encoded_percent(EncodedPercent::Keep);
    for raw in ["/admin;x", "/;/admin/x", "/%20/admin", "/admin%20/x", "/admin%3B"] {
        stops(raw, strict);
    }
    for raw in ["/%2fadmin", "/admin%2fsecret", "/internal%2Fa.key", "/internal/a.key;x%2Fy"] {
        stops(raw, slash);
    }
    for raw in ["/;//admin", "/%20//admin"] {
        stops(raw, slashes);
    }
    for raw in ["/%2561dmin", "/%252561dmin", "/admin%253bx", "/internal/a%252ekey"] {
        stops(raw, percent);
    }
    for raw in ["/%252Fadmin", "/internal/a.key%253bx%25252fy", "/%252f//%2561dmin;%252fx"] {
        stops(raw, all);
    }
}

// A path that the rules let through.
struct Passed(CanonicalPath);

impl Passed {
    fn bypass(&self) -> Option<String> {
        forbidden(self.0.as_str()).map(|reading| format!("{} -> {reading}", self.0))
    }
}

// By rules that know what is public, or by rules that only know what is forbidden.
fn go_on(raw: &str, options: PathOptions) -> Option<Passed> {
    thread_local! {
        static JUDGES: [Judge; 2] = [Judge::of_what_is_public(), Judge::of_what_is_forbidden()];
    }
    let path = CanonicalPath::parse_with(raw, options).ok()?;
    let is_allowed = JUDGES.with(|it| it.iter().any(|it| it.allows(&path)));
    is_allowed.then_some(Passed(path))
}

#[track_caller]
fn stops(raw: &str, options: PathOptions) {
    let path = CanonicalPath::parse_with(raw, options).unwrap();
    assert!(forbidden(path.as_str()).is_some(), "{path} is harmless");
    let judge = Judge::of_what_is_forbidden();
    assert!(judge.allows_alone(path.as_str()), "{path} is stopped by itself");
    assert!(!judge.allows(&path), "{path}");
}
