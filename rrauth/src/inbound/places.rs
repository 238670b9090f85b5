//! Where callers show a credential: reading it, and taking it off the request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Uri};
use zeroize::Zeroizing;

use crate::api_key;
use crate::inbound::credential::Kind;
use crate::inbound::digest::KeyDigest;
use crate::names;
use crate::query::{self, Unwritable};

/// Whether callers can show `secret` at all: 1 to 8,192 visible ASCII characters, neither `,` nor
/// `"`, and if it looks like a [generated key](crate::api_key), with the right checksum.
///
/// Ask before accepting a secret of an operator's choice: what fails here never authenticates.
///
/// ```
/// assert!(rrauth::is_showable("sk_test_4eC39HqLyjWDarjtT1zdp7dc"));
/// assert!(!rrauth::is_showable("correct horse battery staple"));
/// ```
#[must_use]
pub fn is_showable(secret: &str) -> bool {
    checked(secret.as_bytes()).is_ok()
}

/// The headers and the query parameter that one layer looks at.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    named: Vec<HeaderName>,
    query: bool,
}

/// The one secret that a request shows, as a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) digest: KeyDigest,
    pub(crate) way: Way,
}

/// How it was shown, which says what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Raw, or as a user name: the way of API keys.
    Key,
    /// As `Bearer`, which vendors' SDKs do with API keys too.
    Bearer,
}

/// Something is shown that cannot be a credential, and why, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unusable(pub(crate) &'static str);

impl Way {
    pub(crate) const fn suits(self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Key | Self::Bearer, Kind::ApiKey) | (Self::Bearer, Kind::Bearer | Kind::Jwt) => {
                true
            }
            (Self::Key, Kind::Bearer | Kind::Jwt)
            // None of these is a secret to be found by its digest.
            | (_, Kind::Basic | Kind::JwtVerify | Kind::Introspection | Kind::Mtls) => false,
        }
    }

    const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Key, Self::Key) => Self::Key,
            (Self::Bearer, Self::Key | Self::Bearer) | (Self::Key, Self::Bearer) => Self::Bearer,
        }
    }
}

impl Places {
    pub(crate) fn new() -> Self {
        Self { named: vec![HeaderName::from_static("x-api-key")], query: false }
    }

    pub(crate) fn name(&mut self, header: HeaderName) {
        // `Authorization` has more forms than a raw key, and is always looked at.
        if header != AUTHORIZATION && !self.named.contains(&header) {
            self.named.push(header);
        }
    }

    pub(crate) fn rename(&mut self, headers: impl IntoIterator<Item = HeaderName>) {
        self.named.clear();
        headers.into_iter().for_each(|it| self.name(it));
    }

    pub(crate) fn allow_query(&mut self, allowed: bool) {
        self.query = allowed;
    }

    /// What the request shows: nothing, one secret (in however many places), or what is no
    /// credential.
    pub(crate) fn read(&self, headers: &HeaderMap, uri: &Uri) -> Result<Option<Shown>, Unusable> {
        let mut shown = None;
        for line in headers.get_all(AUTHORIZATION) {
            agree(&mut shown, authorization(line.as_bytes())?)?;
        }
        for line in self.named.iter().flat_map(|name| headers.get_all(name)) {
            agree(&mut shown, raw(line.as_bytes())?)?;
        }
        if self.query {
            for value in query::values(uri, QUERY) {
                agree(&mut shown, authorization(&value)?)?;
            }
        }
        Ok(shown)
    }

    /// Removes every place from the request, read or not, with its look-alikes.
    pub(crate) fn strip(&self, headers: &mut HeaderMap, uri: &mut Uri) -> Result<(), Unwritable> {
        for name in std::iter::once(&AUTHORIZATION).chain(&self.named) {
            names::remove_alike(headers, name);
        }
        query::remove(uri, QUERY)
    }
}

// Two different secrets: one reader would take the first and another the last.
fn agree(shown: &mut Option<Shown>, next: Option<Shown>) -> Result<(), Unusable> {
    *shown = match (*shown, next) {
        (None, it) | (it, None) => it,
        (Some(a), Some(b)) if a.digest == b.digest => Some(Shown { way: a.way.or(b.way), ..a }),
        (Some(_), Some(_)) => return Err(Unusable("two different credentials are shown")),
    };
    Ok(())
}

// A raw key, `Bearer` and one token, or `Basic` (RFC 9110 §11.4, with exactly one space).
fn authorization(value: &[u8]) -> Result<Option<Shown>, Unusable> {
    let Some(space) = value.iter().position(|it| *it == b' ') else { return raw(value) };
    let (scheme, rest) = value.split_at(space);
    let token = rest.get(1..).unwrap_or_default();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        checked(token).map(|secret| Some(Shown { digest: secret, way: Way::Bearer }))
    } else if scheme.eq_ignore_ascii_case(b"basic") {
        user_name(token)
    } else {
        Err(Unusable("the authentication scheme is not one of ours"))
    }
}

// RFC 7617 §2: user name and password around the first colon. The password is not looked at:
// SDKs that send a key this way leave it empty or fill it with anything.
fn user_name(token: &[u8]) -> Result<Option<Shown>, Unusable> {
    if token.len() > LONGEST {
        return Err(TOO_LONG);
    }
    let mut decoded = Zeroizing::new(vec![0; token.len()]);
    let length = STANDARD.decode_slice(token, &mut decoded).map_err(|_| NOT_BASIC)?;
    let pair = decoded.get(..length).ok_or(NOT_BASIC)?;
    let colon = pair.iter().position(|it| *it == b':').ok_or(NOT_BASIC)?;
    let (name, _) = pair.split_at(colon);
    checked(name).map(|digest| Some(Shown { digest, way: Way::Key }))
}

// An empty value shows nothing: what an SDK sends whose key is not set.
fn raw(value: &[u8]) -> Result<Option<Shown>, Unusable> {
    if value.is_empty() {
        return Ok(None);
    }
    checked(value).map(|digest| Some(Shown { digest, way: Way::Key }))
}

fn checked(secret: &[u8]) -> Result<KeyDigest, Unusable> {
    if secret.len() > LONGEST {
        return Err(TOO_LONG);
    }
    // Looser than token68 (RFC 9110 §11.2), so that imported keys work; what makes a list or a
    // parameter stays out.
    let fits = |it: &u8| it.is_ascii_graphic() && !matches!(it, b',' | b'"');
    let text = std::str::from_utf8(secret).ok();
    match text.filter(|it| !it.is_empty() && it.as_bytes().iter().all(fits)) {
        None => Err(Unusable("the credential is not one visible word")),
        Some(it) if it.starts_with(api_key::PREFIX) && !api_key::is_well_formed(it) => {
            Err(Unusable("the checksum of the key does not hold"))
        }
        Some(it) => Ok(KeyDigest::of(it)),
    }
}

const QUERY: &str = "Authorization";
// What a header line may hold anyway; hashing stays cheap beyond any doubt.
const LONGEST: usize = 8 * 1024;
const TOO_LONG: Unusable = Unusable("the credential is longer than 8 KiB");
const NOT_BASIC: Unusable = Unusable("the Basic credential cannot be decoded");

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::COOKIE;

    const KEY: &str = "sk_0123456789abcdef01234567";

    #[test]
    fn authorization_shows_keys_in_three_ways() {
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        check(&[("authorization", KEY)], Ok(Some(Way::Key)));
        check(&[("authorization", &format!("Bearer {KEY}"))], Ok(Some(Way::Bearer)));
        check(&[("authorization", &format!("bEaReR {KEY}"))], Ok(Some(Way::Bearer)));
        check(&[("authorization", &basic(&format!("{KEY}:")))], Ok(Some(Way::Key)));
        check(&[("authorization", &basic(&format!("{KEY}:x")))], Ok(Some(Way::Key)));
        check(&[("authorization", &basic(&format!("{KEY}:a:b")))], Ok(Some(Way::Key)));
        let lower = basic(&format!("{KEY}:")).replace("Basic", "basic");
        check(&[("authorization", &lower)], Ok(Some(Way::Key)));
    }

    #[test]
    fn nothing_shown_is_not_a_bad_credential() {
        check(&[], Ok(None));
        check(&[("authorization", "")], Ok(None));
        check(&[("x-api-key", "")], Ok(None));
        check(&[("cookie", KEY), ("x-other", KEY), ("x_api_key", KEY)], Ok(None));
        check_query("/?Authorization=", Ok(None));
        check_query("/?authorisation=k", Ok(None));
    }

    #[test]
    fn what_has_no_single_reading_is_unusable() {
        let long = "k".repeat(LONGEST + 1);
        for bad in [
            "Bearer ",
            "Bearer  x",
            "Bearer\tx",
            "Bearer x y",
            "Bearer x,y",
            "Bearer x, Bearer x",
            "Bearer x ",
            " Bearer x",
            "Bearer \"x\"",
            "Digest x",
            "key with spaces",
            "a,b",
            "Basic ",
            "Basic !!!!",
            "Basic a2V5",
            "Basic a2V5Og",
            "Basic a2V5Og= =",
            "Basic  a2V5Og==",
            "Basic a2V5Og== ",
            "Basic Og==",
            "Basic a2V5Oh==",
            "Basic w7w6",
            "Basic /Do=",
            "Basic a2UKeTo=",
            "rr_live_abc",
            "Bearer rr_live_0000000000000000000000000000_000000",
            &long,
            &format!("Bearer {long}"),
            &format!("Basic {long}"),
        ] {
            check(&[("authorization", bad)], Err(()));
        }
        check(&[("x-api-key", &format!("Bearer {KEY}"))], Err(()));
        check(&[("x-api-key", &format!("{KEY},{KEY}"))], Err(()));
    }

    #[test]
    fn bytes_that_are_not_visible_ascii_are_unusable() {
        for bytes in [&b"k\xc3\xa9y"[..], b"\xff", b"Bearer \xe9", b"a\tb", b"Basic \x80"] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_bytes(bytes).unwrap());
            assert!(Places::new().read(&headers, &Uri::default()).is_err(), "{bytes:?}");
        }
        check_query("/?Authorization=k%00", Err(()));
        check_query("/?Authorization=k%0d%0a", Err(()));
        check_query("/?Authorization=%ff", Err(()));
    }

    #[test]
    fn the_same_value_twice_is_one_and_two_values_are_none() {
        let bearer = &format!("Bearer {KEY}");
        check(&[("authorization", KEY), ("authorization", KEY)], Ok(Some(Way::Key)));
        check(&[("authorization", bearer), ("x-api-key", KEY)], Ok(Some(Way::Bearer)));
        check(&[("x-api-key", KEY), ("x-api-key", KEY)], Ok(Some(Way::Key)));
        check(&[("authorization", KEY), ("x-api-key", "")], Ok(Some(Way::Key)));
        check(&[("authorization", KEY), ("x-api-key", "other")], Err(()));
        check(&[("authorization", KEY), ("authorization", "other")], Err(()));
        check(&[("x-api-key", KEY), ("x-api-key", "other")], Err(()));
        check(&[("authorization", "Digest x"), ("x-api-key", KEY)], Err(()));
        check_query(&format!("/?Authorization={KEY}&authorization={KEY}"), Ok(Some(Way::Key)));
        check_query(&format!("/?Authorization={KEY}&Authorization=other"), Err(()));
    }

    #[test]
    fn the_query_is_read_as_authorization_is_but_only_when_allowed() {
        check_query(&format!("/?a=1&Authorization={KEY}"), Ok(Some(Way::Key)));
        check_query(&format!("/?%41uthorization=Bearer%20{KEY}"), Ok(Some(Way::Bearer)));
        check_query(&format!("/?Authorization=Bearer+{KEY}"), Ok(Some(Way::Bearer)));
        let uri = format!("/?Authorization={KEY}").parse().unwrap();
        assert_eq!(Places::new().read(&HeaderMap::new(), &uri), Ok(None));
    }

    #[test]
    fn every_place_is_stripped_whether_it_was_read_or_not() {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "x-api-key", "x_api_key", "X-Api_Key", "x-key", "x_key"] {
            headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_static(KEY));
        }
        headers.append(COOKIE, HeaderValue::from_static("stays"));
        let mut uri = "/p?a=1&authorization=x&Authorization=y&b".parse().unwrap();
        let mut places = Places::new();
        places.name(HeaderName::from_static("x-key"));
        places.strip(&mut headers, &mut uri).unwrap();
        assert_eq!(headers.keys().collect::<Vec<_>>(), [COOKIE]);
        assert_eq!(uri, "/p?a=1&b");
    }

    #[test]
    fn naming_authorization_as_a_key_header_keeps_its_forms() {
        let mut places = Places::new();
        places.rename([AUTHORIZATION]);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert!(places.read(&headers, &Uri::default()).is_ok());
        headers.insert("x-api-key", HeaderValue::from_static("y"));
        assert!(places.read(&headers, &Uri::default()).is_ok());
    }

    #[track_caller]
    fn check(lines: &[(&str, &str)], expected: Result<Option<Way>, ()>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let shown = Places::new().read(&headers, &Uri::default());
        assert_eq!(shown.map(ways).map_err(drop), expected, "{lines:?}");
    }

    #[track_caller]
    fn check_query(uri: &str, expected: Result<Option<Way>, ()>) {
        let mut places = Places::new();
        places.allow_query(true);
        let shown = places.read(&HeaderMap::new(), &uri.parse().unwrap());
        assert_eq!(shown.map(ways).map_err(drop), expected, "{uri}");
    }

    fn ways(shown: Option<Shown>) -> Option<Way> {
        shown.inspect(|it| assert_eq!(it.digest, KeyDigest::of(KEY))).map(|it| it.way)
    }
}
