//! Header names that an upstream may take for one another.

use http::{HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

/// Removes every line of `name`, and of every name that reads like it.
///
/// CGI and its heirs (WSGI, Rack, PHP) fold punctuation in header names to `_` (RFC 3875
/// §4.1.18), so `X_Api_Key` would arrive there as `X-Api-Key`.
pub(crate) fn remove_alike(headers: &mut HeaderMap, name: &HeaderName) {
    headers.remove(name);
    let alike: Vec<_> = headers.keys().filter(|it| are_alike(it, name)).cloned().collect();
    for name in alike {
        headers.remove(name);
    }
}

/// Some names, and all that read like one of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    names: Vec<HeaderName>,
    // A bit for each length that one of them has; those from 63 on share the last.
    lengths: u64,
}

/// What stands among the lines of a request.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    /// The names themselves.
    pub(crate) exact: SmallVec<[&'a HeaderName; 2]>,
    /// What only reads like one.
    pub(crate) alike: Vec<HeaderName>,
}

impl Names {
    pub(crate) fn push(&mut self, name: HeaderName) {
        if !self.names.contains(&name) {
            self.lengths |= length(&name);
            self.names.push(name);
        }
    }

    /// Which of them are among `headers`, in one pass that shows `each` of their lines; added to what was
    /// `found`.
    pub(crate) fn find<'a, E>(
        &'a self,
        headers: &HeaderMap,
        found: &mut Found<'a>,
        mut each: impl FnMut(&'a HeaderName, &HeaderValue) -> Result<(), E>,
    ) -> Result<(), E> {
        // Most lines are of another length than any of them.
        for (it, line) in headers.iter().filter(|(it, _)| self.lengths & length(it) != 0) {
            if let Some(name) = self.names.iter().find(|name| *name == it) {
                each(name, line)?;
                // All lines of one name stand together.
                if found.exact.last() != Some(&name) {
                    found.exact.push(name);
                }
            } else if self.names.iter().any(|name| are_alike(it, name))
                && found.alike.last() != Some(it)
            {
                found.alike.push(it.clone());
            }
        }
        Ok(())
    }
}

fn length(name: &HeaderName) -> u64 {
    1 << name.as_str().len().min(63)
}

// `HeaderName` is in lower case already.
fn are_alike(one: &HeaderName, other: &HeaderName) -> bool {
    let (one, other) = (one.as_str().as_bytes(), other.as_str().as_bytes());
    let punctuation = |it: &u8| !it.is_ascii_alphanumeric();
    one.len() == other.len()
        && one.iter().zip(other).all(|(a, b)| a == b || punctuation(a) && punctuation(b))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn look_alikes_go_and_neighbours_stay() {
        check("X-API-KEY", true);
        check("x_api_key", true);
        check("X-Api_Key", true);
        check("x.api.key", true);
        check("xapikey", false);
        check("x-api-keys", false);
        check("x-api--key", false);
        check("x-apis-key", false);
    }

    #[test]
    fn several_names_are_found_in_one_pass() {
        let long = "x".repeat(80);
        let mut names = Names::default();
        for name in ["x-api-key", "authorization", "x-api-key", &long] {
            names.push(name.parse().unwrap());
        }
        let mut headers = HeaderMap::new();
        let others = ["x-api-kez", "host", "y".repeat(80).leak()];
        for name in ["x-api-key", "x_api-key", "authorization", "authorizatio-n", &long] {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("1"));
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("2"));
        }
        others.iter().for_each(|it| _ = headers.append(*it, HeaderValue::from_static("3")));
        let mut lines = 0;
        let count = |_: &HeaderName, _: &HeaderValue| {
            lines += 1;
            Ok::<_, Infallible>(())
        };
        let mut found = Found::default();
        names.find(&headers, &mut found, count).unwrap();
        assert_eq!(lines, 6);
        let exact: Vec<_> = found.exact.iter().map(|it| it.as_str()).collect();
        assert_eq!(exact, ["x-api-key", "authorization", &long]);
        assert_eq!(found.alike, ["x_api-key"]);
    }

    #[track_caller]
    fn check(sent: &str, goes: bool) {
        let mut headers = HeaderMap::new();
        let sent: HeaderName = sent.parse().unwrap();
        headers.append(&sent, "one".parse().unwrap());
        headers.append(&sent, "two".parse().unwrap());
        let mut names = Names::default();
        names.push(HeaderName::from_static("x-api-key"));
        let mut found = Found::default();
        names.find(&headers, &mut found, |_, _| Ok::<_, Infallible>(())).unwrap();
        assert_eq!(found.exact.len() + found.alike.len(), usize::from(goes), "{sent}");
        remove_alike(&mut headers, &HeaderName::from_static("x-api-key"));
        assert_eq!(headers.is_empty(), goes, "{sent}");
    }
}
