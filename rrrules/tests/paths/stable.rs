//! A canonical path is canonical, whatever it was made of and whatever is kept.

use proptest::prelude::*;
use rrrules::{CanonicalPath, DuplicateSlashes, PathOptions};

use crate::targets::{all_options, any_options, collection, config, hostile};

#[test]
fn what_browsers_parse_becomes_stable() {
    let Some(cases) = collection("urltestdata.dev.json") else { return };
    let cases: Vec<serde_json::Value> = serde_json::from_str(&cases).unwrap();
    let mut parsed = 0;
    for case in &cases {
        for text in ["input", "pathname"].into_iter().filter_map(|it| case[it].as_str()) {
            for raw in [text.to_owned(), format!("/{text}")] {
                parsed += all_options().into_iter().filter(|it| is_stable(&raw, *it)).count();
            }
        }
    }
    println!("{} cases, {parsed} times one was a path", cases.len());
    assert!(parsed > 0, "none was a path");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn and_so_does_what_attackers_send(
        raw in hostile(),
        options in any_options(),
    ) {
        is_stable(&raw, options);
    }

    #[test]
    fn and_so_does_what_nobody_sends(
        raw in anything(),
        options in any_options(),
    ) {
        is_stable(&raw, options);
    }

    // What is refused strictly may be kept, but nothing that is accepted becomes another path.
    #[test]
    fn an_option_changes_only_what_it_is_about(
        raw in hostile(),
        options in any_options(),
    ) {
        if let Ok(strict) = CanonicalPath::parse(&raw) {
            let merges = options.duplicate_slashes(DuplicateSlashes::Merge);
            prop_assert_eq!(CanonicalPath::parse_with(&raw, merges).unwrap(), strict);
        }
    }
}

// Escapes of any byte among what means something in paths, and a few of any characters.
fn anything() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        5 => any::<u8>().prop_map(|it| format!("%{it:02x}")),
        5 => prop::sample::select(b"/%;. 25aA".as_slice()).prop_map(|it| char::from(it).to_string()),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|it| format!("/{}", it.concat()))
}

// Whether `raw` is a path at all.
#[track_caller]
fn is_stable(raw: &str, options: PathOptions) -> bool {
    let Ok(path) = CanonicalPath::parse_with(raw, options) else { return false };
    let text = path.as_str();
    assert_eq!(CanonicalPath::parse_with(text, options).as_ref(), Ok(&path), "{raw} {options:?}");
    assert!(text.bytes().all(|it| it.is_ascii_graphic()), "{raw} -> {text}");
    assert!(text.starts_with('/') && !text.starts_with("//"), "{raw} -> {text}");
    assert!(!text.contains(['?', '#', '\\']), "{raw} -> {text}");
    let merges = options.duplicate_slashes == DuplicateSlashes::Merge;
    assert!(!merges || !text.contains("//"), "{raw} -> {text}");
    let readings = path.other_readings();
    assert!(readings.len() <= 40, "{raw} has {} readings", readings.len());
    for reading in readings.iter().map(String::as_str).chain([text]) {
        assert!(reading.len() <= text.len(), "{raw} -> {reading}");
        assert!(!reading.chars().any(char::is_control), "{raw} -> {reading:?}");
        assert!(!reading.split('/').any(|it| matches!(it, "." | "..")), "{raw} -> {reading}");
    }
    true
}
