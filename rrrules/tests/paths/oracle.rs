//! An upstream that reads a path in every lenient way at once.

use std::collections::BTreeSet;

/// Decoded up to three times, `%uXXXX` too; as bytes or as UTF-8; with and without parameters,
/// backslashes as slashes, and a NUL as the end; in any case; blanks around names dropped. Dot
/// segments are resolved, and those above the root forgotten.
pub(crate) fn readings(target: &str) -> BTreeSet<String> {
    let mut readings = BTreeSet::new();
    let mut decoded = path_of(target).to_owned();
    for _ in 0..4 {
        let bytes: Option<Vec<u8>> = decoded.chars().map(|it| u8::try_from(it).ok()).collect();
        let utf8 = bytes.and_then(|it| String::from_utf8(it).ok());
        for text in [Some(&decoded), utf8.as_ref().filter(|it| **it != decoded)] {
            readings.extend(text.into_iter().flat_map(|it| resolutions(it)));
        }
        let again = decode_once(&decoded);
        if again == decoded {
            break;
        }
        decoded = again;
    }
    let folded: Vec<_> = readings.iter().map(|it| it.to_lowercase()).collect();
    readings.extend(folded);
    readings
}

/// The first reading that nobody may get at.
pub(crate) fn forbidden(target: &str) -> Option<String> {
    readings(target).into_iter().find(|it| is_forbidden(it))
}

fn is_forbidden(reading: &str) -> bool {
    reading == "/admin"
        || reading.starts_with("/admin/")
        || (reading.starts_with("/internal/") && reading.ends_with(".key"))
}

// Without a query or fragment, and without scheme and authority.
fn path_of(target: &str) -> &str {
    let path = target.split(['?', '#']).next().unwrap();
    let Some((scheme, rest)) = path.split_once("://") else { return path };
    let is_scheme = scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.chars().all(|it| it.is_ascii_alphanumeric() || "+.-".contains(it));
    match rest.find('/') {
        _ if !is_scheme => path,
        Some(at) => &rest[at..],
        None => "/",
    }
}

fn resolutions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for ends_at_nul in [false, true].into_iter().take(1 + usize::from(text.contains('\0'))) {
        for folds in [false, true].into_iter().take(1 + usize::from(text.contains('\\'))) {
            for cuts in [false, true].into_iter().take(1 + usize::from(text.contains(';'))) {
                found.push(resolve(text, cuts, folds, ends_at_nul));
            }
        }
    }
    found
}

fn resolve(text: &str, cuts_parameters: bool, folds_backslash: bool, ends_at_nul: bool) -> String {
    let text = if ends_at_nul { text.split('\0').next().unwrap() } else { text };
    let text = if folds_backslash { text.replace('\\', "/") } else { text.to_owned() };
    let mut names = Vec::new();
    for name in text.split('/') {
        let name = if cuts_parameters { name.split(';').next().unwrap() } else { name };
        match name.trim_matches([' ', '\t', '\r', '\n']) {
            "" | "." => (),
            ".." => _ = names.pop(),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

// `%XX` as a byte, then `%uXXXX`; what is neither stays.
fn decode_once(text: &str) -> String {
    unescape(&unescape(text, "%", 2), "%u", 4)
}

fn unescape(text: &str, mark: &str, digits: usize) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let (before, escape) = rest.split_at(at);
        decoded.push_str(before);
        let end = mark.len() + digits;
        let value =
            escape.get(mark.len()..end).filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
        let value = value.and_then(|it| char::from_u32(u32::from_str_radix(it, 16).unwrap()));
        decoded.push_str(if value.is_some() { "" } else { mark });
        decoded.extend(value);
        rest = &escape[if value.is_some() { end } else { mark.len() }..];
    }
    decoded + rest
}

#[test]
fn the_readings_notice_what_is_forwarded_as_it_was_sent() {
    let hostile = [
        "/public/../admin",
        "/public/%252e%252e/admin",
        "/public/..;/ADMIN",
        "/%u0061dmin",
        "/%25u0061dmin",
        "/a%5c../admin/x",
        "/admin%00.css",
        "/%20admin%09/x",
        "//x/..//admin",
        "http://host/admin",
        "/internal/a.%e2%84%aaey",
        "/internal/x%252fa.key;y",
        "/admin?x",
    ];
    for target in hostile {
        assert!(forbidden(target).is_some(), "{target}");
    }
    for target in
        ["/", "/public/admin", "/administrator", "/internal/key", "/%zz", "/internal/a.keys"]
    {
        assert_eq!(forbidden(target), None, "{target}");
    }
}
