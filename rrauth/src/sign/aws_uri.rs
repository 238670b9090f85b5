//! Paths and queries in the one form that AWS signs.

use percent_encoding::{percent_decode_str, percent_encode};

use crate::sign::percent::{self, ALL, IN_PATHS};

/// How a service reads paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paths {
    /// Dot segments and empty segments mean nothing, and what is sent is encoded once more.
    Normalised,
    /// The path is the name of an object, in which everything counts: S3.
    Exact,
}

/// Writes the canonical form of `path`, which is percent-encoded as it is sent.
pub(crate) fn write_path(path: &str, paths: Paths, out: &mut dyn FnMut(&[u8])) {
    match paths {
        Paths::Exact => {
            // What S3 makes of it: the name, encoded by its own rules.
            let name: Vec<u8> = percent_decode_str(path).collect();
            write_encoded(&name, out);
        }
        Paths::Normalised if path.contains("//") || path.contains("/.") => {
            write_encoded(normalised(path).as_bytes(), out);
        }
        Paths::Normalised => write_encoded(path.as_bytes(), out),
    }
}

/// Writes the parameters of `query`, each encoded anew, sorted by name and then by value.
pub(crate) fn write_query(query: &str, out: &mut dyn FnMut(&[u8])) {
    let encoded = |text: &[u8]| percent_encode(text, ALL).to_string();
    let mut pairs: Vec<_> =
        percent::pairs(query).map(|(name, value)| (encoded(&name), encoded(&value))).collect();
    pairs.sort_unstable();
    for (nth, (name, value)) in pairs.iter().enumerate() {
        if nth > 0 {
            out(b"&");
        }
        out(name.as_bytes());
        out(b"=");
        out(value.as_bytes());
    }
}

// RFC 3986 §5.2.4, and without empty segments.
fn normalised(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let is_folder = matches!(path.rsplit('/').next(), Some("" | "." | ".."));
    match kept.is_empty() {
        true => "/".to_owned(),
        false if is_folder => format!("/{}/", kept.join("/")),
        false => format!("/{}", kept.join("/")),
    }
}

fn write_encoded(path: &[u8], out: &mut dyn FnMut(&[u8])) {
    percent_encode(path, IN_PATHS).for_each(|it| out(it.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_and_encoded_once_more() {
        check_path("/", "/", "/");
        check_path("/foo/bar", "/foo/bar", "/foo/bar");
        check_path("/example/..", "/", "/example/..");
        check_path("/example1/example2/../..", "/", "/example1/example2/../..");
        check_path("/a/b/..", "/a/", "/a/b/..");
        check_path("/a/b/.", "/a/b/", "/a/b/.");
        check_path("/..", "/", "/..");
        check_path("/./", "/", "/./");
        check_path("/./example", "/example", "/./example");
        check_path("//", "/", "//");
        check_path("//example//", "/example/", "//example//");
        check_path("/a.b/..c/.d", "/a.b/..c/.d", "/a.b/..c/.d");
        check_path("/example%20space/", "/example%2520space/", "/example%20space/");
        check_path("/a$b@c", "/a%24b%40c", "/a%24b%40c");
        check_path("/%e1%88%b4/ሴ", "/%25e1%2588%25b4/%E1%88%B4", "/%E1%88%B4/%E1%88%B4");
        check_path("/a%7Eb~%2D-%2Fc+%zz", "/a%257Eb~%252D-%252Fc%2B%25zz", "/a~b~--/c%2B%25zz");
    }

    #[test]
    fn queries_are_sorted_by_name_and_then_by_value() {
        check_query("", "");
        check_query("&&", "");
        check_query("acl", "acl=");
        check_query("Param2=value2&Param1=value1", "Param1=value1&Param2=value2");
        check_query("Param1=value2&Param1=Value1", "Param1=Value1&Param1=value2");
        check_query("a=2&b=1&a=10", "a=10&a=2&b=1");
        check_query("Param-3=3&Param=2&%E1%88%B4=1", "%E1%88%B4=1&Param=2&Param-3=3");
        check_query("ሴ=bar", "%E1%88%B4=bar");
        check_query("a=b=c/d&x=%7e%2a*", "a=b%3Dc%2Fd&x=~%2A%2A");
        check_query("a=b+c&d=e%20f&g=%2B", "a=b%20c&d=e%20f&g=%2B");
        check_query("a=%zz", "a=%25zz");
    }

    #[track_caller]
    fn check_path(path: &str, normalised: &str, exact: &str) {
        let written = |paths| text(|out| write_path(path, paths, out));
        assert_eq!(written(Paths::Normalised), normalised, "{path}");
        assert_eq!(written(Paths::Exact), exact, "{path}");
    }

    #[track_caller]
    fn check_query(query: &str, expected: &str) {
        assert_eq!(text(|out| write_query(query, out)), expected, "{query}");
    }

    fn text(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> String {
        let mut bytes = Vec::new();
        write(&mut |piece| bytes.extend_from_slice(piece));
        String::from_utf8(bytes).unwrap()
    }
}
