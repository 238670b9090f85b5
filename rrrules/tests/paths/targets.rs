//! Where targets come from: random ones, all options, and collections beside the repository.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rrrules::{DuplicateSlashes, EncodedPercent, EncodedSlash, PathOptions};

/// Every combination of options.
pub(crate) fn all_options() -> [PathOptions; 8] {
    std::array::from_fn(|bits| {
        let mut options = PathOptions::strict();
        if bits & 1 > 0 {
            options = options.encoded_slash(EncodedSlash::Keep);
        }
        if bits & 2 > 0 {
            options = options.duplicate_slashes(DuplicateSlashes::Keep);
        }
        if bits & 4 > 0 {
            options = options.encoded_percent(EncodedPercent::Keep);
        }
        options
    })
}

pub(crate) fn any_options() -> impl Strategy<Value = PathOptions> {
    prop::sample::select(all_options().to_vec())
}

/// How many random cases to try, of a test that tries 20,000 by itself: `RR_CASES`.
pub(crate) fn config() -> ProptestConfig {
    let cases = std::env::var("RR_CASES").ok().map_or(20_000, |it| it.parse().unwrap());
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Targets made of the pieces that attacks are made of.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let start = prop::sample::select(STARTS);
    let piece = prop_oneof![6 => prop::sample::select(PIECES), 1 => prop::sample::select(TRICKS)];
    let pieces = prop::collection::vec(piece, 1..9);
    (start, pieces).prop_map(|(start, pieces)| start.to_owned() + &pieces.concat())
}

/// The file `name` of the collections beside the repository; `None`, and a line that says so, where
/// there are none.
pub(crate) fn collection(name: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/paths");
    let file = folder.join(name);
    let text = fs::read_to_string(&file).ok();
    if text.is_none() {
        println!("skipped: there is no {}", file.display());
    }
    text
}

const STARTS: &[&str] = &["/", "/", "/public/", "/public/", "/internal/", "/a/b/", "//", "/%2f"];

// What may be accepted with some options: without enough of it little gets through.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "/", "/", "//", "/./", "/.//", "/;/", "/../", "%2f", "%2F", "%252f", "%25252F", "%25%32%46",
    ";", ";x", ";x=1", "%3b", "%253b", "%25253b", "%20", "%2520", "%25ff", "%25a0", "%e2%80%8b",
    "admin", "admin", "/admin", "/admin/secret", "ADMIN", "%61dmin", "%2561dmin", "%252561dmin",
    "adm%69n", "adm%2569n", "internal", "/internal/", "a.key", ".key", "a%2ekey", "a%252ek%2565y",
    "a.%e2%84%aaey", "x", "caf%c3%a9", "%25", "%2525", "25", "2f", "%3f", "%23", ":", "|", "%7e",
];

#[rustfmt::skip]
const TRICKS: &[&str] = &[
    // Slashes, and what some take for one.
    "%2525252f", "%5c", "%255c", "\\", "%u2215", "%c0%af", "%25c0%25af", "%ef%bc%8f",
    "%25ef%25bc%258f", "%2%66",
    // Dots.
    "..", "..", ".", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "%25252e.", "%252525252e", "%c0%ae",
    "%25u002e", "%u002e", "%e2%80%a5", "...", "%%32%65", "%25%32%65", "%25%2575002e",
    // What ends a path for some, or is dropped.
    "%09", "%0a", "%00", "%2500", "%252500", "%ef%bb%bf", "%25e2%2580%258b", "%c2%a0", "%e9", "%ff",
    "%", "?", "#",
];
