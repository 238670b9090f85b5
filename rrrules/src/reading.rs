//! What else a server may read in a canonical path.

use crate::escape::decode;

/// The other texts that lenient servers see in `canonical`, each once. See
/// [`CanonicalPath::other_readings`](crate::CanonicalPath::other_readings).
pub(crate) fn other_readings(canonical: &str) -> Vec<String> {
    if !canonical.contains(['%', ';']) && !canonical.contains("//") {
        return Vec::new();
    }
    let mut readings = Readings { canonical, found: Vec::new() };
    // What is decoded further: first what still has its parameters, then what lost them on the way.
    // A canonical path is stable after `MAX_DECODINGS`, so both lists stay short.
    let mut texts = vec![canonical.as_bytes().to_vec()];
    while let Some(whole) = texts.first() {
        texts.extend(without_parameters(whole));
        for text in &texts {
            readings.add(text);
        }
        let next: Vec<_> = texts.iter().map(|it| decode(it)).collect();
        if next.iter().all(Option::is_none) {
            break;
        }
        texts = next.into_iter().zip(texts).map(|(next, text)| next.unwrap_or(text)).collect();
    }
    readings.found
}

struct Readings<'a> {
    canonical: &'a str,
    found: Vec<String>,
}

impl Readings<'_> {
    // As it is, with slashes merged, and with blanks around names dropped too.
    fn add(&mut self, text: &[u8]) {
        self.add_one(text);
        if text.windows(2).any(|it| it == b"//") {
            self.add_one(&rejoined(text, |name| name));
        }
        if text.contains(&b' ') {
            self.add_one(&rejoined(text, trimmed));
        }
    }

    fn add_one(&mut self, text: &[u8]) {
        // Not UTF-8 only where servers that decode twice do not agree what it is.
        let text = String::from_utf8_lossy(text);
        if text != self.canonical && !self.found.iter().any(|it| *it == text) {
            self.found.push(text.into_owned());
        }
    }
}

// `/a;v=1/b` is `/a/b` to a servlet; `None` where there are no parameters.
fn without_parameters(text: &[u8]) -> Option<Vec<u8>> {
    let is_cut = text.contains(&b';');
    is_cut.then(|| {
        let mut is_name = true;
        let is_kept = |byte: &u8| {
            is_name = *byte == b'/' || (is_name && *byte != b';');
            is_name
        };
        text.iter().copied().filter(is_kept).collect()
    })
}

// Names that are empty go, but for the last: a slash at the end stays.
fn rejoined(text: &[u8], name: fn(&[u8]) -> &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.len());
    let mut ends_in_slash = false;
    for name in text.split(|it| *it == b'/').map(name) {
        ends_in_slash = name.is_empty();
        if !ends_in_slash {
            joined.push(b'/');
            joined.extend_from_slice(name);
        }
    }
    if ends_in_slash {
        joined.push(b'/');
    }
    joined
}

// Of other blanks a path holds none: escaped control characters are refused.
fn trimmed(mut name: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = name {
        name = rest;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_has_no_other_reading() {
        for path in ["/", "/a/b", "/a:b@c/d,e"] {
            check(path, &[]);
            assert_eq!(other_readings(path).capacity(), 0, "{path}");
        }
    }

    #[test]
    fn escapes_are_decoded_until_nothing_is_left() {
        check("/a%3Ab", &["/a:b"]);
        check("/caf%C3%A9", &["/café"]);
        check("/a%2Fb", &["/a/b"]);
        check("/a%252541", &["/a%2541", "/a%41", "/aA"]);
        check("/100%25", &["/100%"]);
        check("/100%25ff", &["/100%ff", "/100\u{fffd}"]);
    }

    #[test]
    fn slashes_are_merged_and_the_last_one_stays() {
        check("/a//b//", &["/a/b/"]);
        check("/%2Fa%2F", &["//a/", "/a/"]);
    }

    #[test]
    fn parameters_are_cut_before_and_after_each_decoding() {
        check("/a;v=1", &["/a"]);
        check("/;/a;/b;x", &["//a/b", "/a/b"]);
        check("/a%3Bx", &["/a;x", "/a"]);
        check("/a%3Bb;x", &["/a%3Bb", "/a;b;x", "/a;b", "/a"]);
        check("/a.key;x%2Fy", &["/a.key", "/a.key;x/y", "/a.key/y"]);
        check("/a%253Bx", &["/a%3Bx", "/a;x", "/a"]);
    }

    #[test]
    fn blanks_around_names_are_dropped() {
        check("/a%20", &["/a ", "/a"]);
        check("/%20/a%20b/", &["/ /a b/", "/a b/"]);
        check("/a%20//b", &["/a%20/b", "/a //b", "/a /b", "/a/b"]);
        check("/a%20;x", &["/a%20", "/a ;x", "/a ", "/a"]);
    }

    #[track_caller]
    fn check(canonical: &str, expected: &[&str]) {
        let mut actual = other_readings(canonical);
        let mut expected: Vec<_> = expected.iter().map(|it| (*it).to_owned()).collect();
        actual.sort();
        expected.sort();
        assert_eq!(actual, expected, "{canonical}");
    }
}
