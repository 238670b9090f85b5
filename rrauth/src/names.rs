//! Header names that an upstream may take for one another.

use http::{HeaderMap, HeaderName};

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

// `HeaderName` is in lower case already.
fn are_alike(one: &HeaderName, other: &HeaderName) -> bool {
    let (one, other) = (one.as_str().as_bytes(), other.as_str().as_bytes());
    let punctuation = |it: &u8| !it.is_ascii_alphanumeric();
    one.len() == other.len()
        && one.iter().zip(other).all(|(a, b)| a == b || punctuation(a) && punctuation(b))
}

#[cfg(test)]
mod tests {
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

    #[track_caller]
    fn check(sent: &str, goes: bool) {
        let mut headers = HeaderMap::new();
        let sent: HeaderName = sent.parse().unwrap();
        headers.append(&sent, "one".parse().unwrap());
        headers.append(&sent, "two".parse().unwrap());
        remove_alike(&mut headers, &HeaderName::from_static("x-api-key"));
        assert_eq!(headers.is_empty(), goes, "{sent}");
    }
}
