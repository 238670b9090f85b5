//! Several header names, sought in one pass.

use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;

/// Header names that are known when the program is compiled, to be found or removed together: one pass
/// over what a message has, instead of a search for each of them.
///
/// ```
/// use rrcore::HeaderNames;
///
/// static OF_ONE_HOP: HeaderNames = HeaderNames::new(&["connection", "keep-alive", "te"]);
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("keep-alive", "timeout=5".parse().unwrap());
/// headers.insert("host", "api.example".parse().unwrap());
/// OF_ONE_HOP.remove_from(&mut headers);
/// assert_eq!(headers.keys().collect::<Vec<_>>(), ["host"]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HeaderNames {
    names: &'static [&'static str],
    // A bit for each length that one of them has; those from 63 on share the last.
    lengths: u64,
}

impl HeaderNames {
    /// What always belongs to one hop (RFC 9110 §7.6.1).
    pub const HOP_BY_HOP: Self = Self::new(&[
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]);

    /// These names, in lower case.
    ///
    /// # Panics
    /// When one of them is not in lower case, and so would never be found: in a `static` or `const`,
    /// this does not compile.
    #[must_use]
    pub const fn new(names: &'static [&'static str]) -> Self {
        let mut lengths = 0;
        let mut rest = names;
        while let [name, after @ ..] = rest {
            let mut bytes = name.as_bytes();
            while let [byte, following @ ..] = bytes {
                assert!(!byte.is_ascii_uppercase(), "header names are sought in lower case");
                bytes = following;
            }
            lengths |= 1 << bit(name.len());
            rest = after;
        }
        Self { names, lengths }
    }

    /// Whether `name` is one of them.
    #[must_use]
    pub fn contains(&self, name: &HeaderName) -> bool {
        // Most are of another length than any of them.
        let name = name.as_str();
        self.lengths >> bit(name.len()) & 1 == 1 && self.names.contains(&name)
    }

    /// Removes all lines of all of them.
    pub fn remove_from(&self, headers: &mut HeaderMap) {
        let found: SmallVec<[HeaderName; 4]> =
            headers.keys().filter(|it| self.contains(it)).cloned().collect();
        for name in &found {
            headers.remove(name);
        }
    }
}

const fn bit(length: usize) -> usize {
    if length < 63 { length } else { 63 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    static NAMES: HeaderNames = HeaderNames::new(&["te", "x-a", "x-b", LONG]);
    const LONG: &str = "x-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789";

    #[test]
    fn all_lines_of_all_names_go_and_nothing_else_does() {
        let longer = format!("{LONG}0");
        let mut headers = HeaderMap::new();
        for name in ["TE", "x-a", "X-A", "x-c", LONG, &longer, "host", "x-b-"] {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_static("1"));
        }
        NAMES.remove_from(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["host", &longer, "x-b-", "x-c"]);
    }
}
