//! What clients of well-known APIs send passes as they meant it.

use rrrules::{CanonicalPath, DuplicateSlashes, EncodedPercent, EncodedSlash, PathOptions};

use crate::targets::all_options;

const TARGETS: &str = include_str!("../data/ordinary_targets.txt");

#[test]
fn ordinary_targets_pass_unharmed_with_what_their_api_needs_and_not_without() {
    let lines: Vec<_> =
        TARGETS.lines().filter(|it| !it.is_empty() && !it.starts_with('#')).collect();
    assert!(lines.len() >= 200, "only {}", lines.len());
    for line in lines {
        let [keeps, target, expected] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        check(options(keeps), target.split('?').next().unwrap(), expected);
    }
}

// With any options that keep enough, and with no others.
#[track_caller]
fn check(needed: PathOptions, raw: &str, expected: &str) {
    let is_raw_delimiter = |it: char| "|{}".contains(it);
    assert!(raw.contains(is_raw_delimiter) || spelt_alike(raw) == expected, "{raw}: is harmed");
    for options in all_options() {
        let path = CanonicalPath::parse_with(raw, options);
        let text = path.as_ref().map(CanonicalPath::as_str);
        if keeps_all_of(needed, options) {
            assert_eq!(text, Ok(expected), "{options:?}");
        } else {
            assert_ne!(text, Ok(expected), "{options:?}: passes without {needed:?}");
        }
        // An escape is refused without its option; slashes are merged.
        let without_slashes = options.duplicate_slashes(needed.duplicate_slashes);
        if !keeps_all_of(needed, without_slashes) {
            assert!(path.is_err(), "{raw} {options:?}");
        }
    }
}

fn keeps_all_of(needed: PathOptions, options: PathOptions) -> bool {
    let strict = PathOptions::strict();
    (needed.encoded_slash == strict.encoded_slash || options.encoded_slash == needed.encoded_slash)
        && (needed.duplicate_slashes == strict.duplicate_slashes
            || options.duplicate_slashes == needed.duplicate_slashes)
        && (needed.encoded_percent == strict.encoded_percent
            || options.encoded_percent == needed.encoded_percent)
}

fn options(keeps: &str) -> PathOptions {
    keeps.split('+').fold(PathOptions::strict(), |options, name| match name {
        "nothing" => options,
        "encodedSlash" => options.encoded_slash(EncodedSlash::Keep),
        "duplicateSlashes" => options.duplicate_slashes(DuplicateSlashes::Keep),
        "encodedPercent" => options.encoded_percent(EncodedPercent::Keep),
        other => panic!("there is no option {other}"),
    })
}

// The same meaning: escapes in upper case, and none of what never needs one (RFC 3986 §6.2.2).
fn spelt_alike(raw: &str) -> String {
    let mut parts = raw.split('%');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        let value = char::from(u8::from_str_radix(digits, 16).unwrap());
        if value.is_ascii_alphanumeric() || "-._~".contains(value) {
            text.push(value);
        } else {
            text += &format!("%{}", digits.to_uppercase());
        }
        text += rest;
    }
    text
}
