//! A canonical path is canonical, whatever bytes and options it was made of.

use rrrules::{CanonicalPath, DuplicateSlashes, EncodedPercent, EncodedSlash, PathOptions};

/// The first byte chooses the options, the rest is the path.
///
/// # Panics
/// When what came out is not canonical.
pub fn check(data: &[u8]) {
    let Some((choice, raw)) = data.split_first() else { return };
    let Ok(raw) = std::str::from_utf8(raw) else { return };
    let options = options(*choice);
    let Ok(path) = CanonicalPath::parse_with(raw, options) else { return };
    let text = path.as_str();
    assert_eq!(CanonicalPath::parse_with(text, options).as_ref(), Ok(&path), "not idempotent");
    assert!(text.starts_with('/') && !text.starts_with("//"), "{text}");
    assert!(text.bytes().all(|it| it.is_ascii_graphic()), "{text}");
    assert!(!text.contains(['?', '#', '\\']), "{text}");
    let merges = options.duplicate_slashes == DuplicateSlashes::Merge;
    assert!(!merges || !text.contains("//"), "{text}");
    if CanonicalPath::parse(raw).is_ok_and(|strict| merges && strict != path) {
        panic!("{text}: an option made another path of one that needs none");
    }
    let others = path.other_readings();
    assert!(others.len() <= 40, "{text}: {} readings", others.len());
    for reading in others.iter().map(String::as_str).chain([text]) {
        assert!(reading.len() <= text.len(), "{reading:?}");
        assert!(!reading.chars().any(char::is_control), "{reading:?}");
        assert!(!reading.split('/').any(|it| matches!(it, "." | "..")), "{reading:?}");
    }
}

fn options(choice: u8) -> PathOptions {
    let mut options = PathOptions::strict();
    if choice & 1 > 0 {
        options = options.encoded_slash(EncodedSlash::Keep);
    }
    if choice & 2 > 0 {
        options = options.duplicate_slashes(DuplicateSlashes::Keep);
    }
    if choice & 4 > 0 {
        options = options.encoded_percent(EncodedPercent::Keep);
    }
    options
}
