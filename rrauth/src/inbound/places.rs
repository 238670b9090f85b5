//! Where callers show a credential: reading it, and taking it off the request.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Request};

use crate::inbound::shown::{self, Shown, Unusable, Wanted};
use crate::names::{Found, Names};
use crate::query::{self, Unwritable};

/// The headers and the query parameter that one layer looks at.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    // `Authorization` is always one: it has more forms than a raw key.
    names: Names,
    query: bool,
    wanted: Wanted,
}

impl Places {
    pub(crate) fn new() -> Self {
        let mut places = Self { names: Names::default(), query: false, wanted: Wanted::default() };
        places.rename([HeaderName::from_static("x-api-key")]);
        places
    }

    pub(crate) fn name(&mut self, header: HeaderName) {
        self.names.push(header);
    }

    pub(crate) fn rename(&mut self, headers: impl IntoIterator<Item = HeaderName>) {
        self.names = Names::default();
        std::iter::once(AUTHORIZATION).chain(headers).for_each(|it| self.name(it));
    }

    pub(crate) const fn allow_query(&mut self, allowed: bool) {
        self.query = allowed;
    }

    pub(crate) const fn want(&mut self) -> &mut Wanted {
        &mut self.wanted
    }

    /// Reads what the request shows, and leaves it there. Tokens in lines are read when they are taken.
    // What is seen is put where it stays: requests would copy it several times.
    pub(crate) fn look<'a, B>(
        &'a self,
        request: &Request<B>,
        sight: &mut Sight<'a>,
        all: &mut Option<Shown>,
    ) -> Result<(), Unusable> {
        let Sight { found, has_token } = sight;
        self.names.find(request.headers(), found, |name, line| {
            let (is_authorization, line) = (*name == AUTHORIZATION, line.as_bytes());
            if is_authorization && self.wanted.tokens && shown::is_bearer(line) {
                *has_token = true;
                return Ok(());
            }
            match is_authorization {
                true => shown::parameter(all, line, self.wanted),
                false => shown::raw(all, line),
            }
        })?;
        if self.query {
            for value in query::values(request.uri(), QUERY) {
                shown::parameter(all, &value, self.wanted)?;
            }
        }
        Ok(())
    }

    /// Takes off what the request shows, where it was seen: every place, read or not, with its
    /// look-alikes.
    pub(crate) fn take<B>(
        &self,
        request: &mut Request<B>,
        sight: &Sight<'_>,
        all: &mut Option<Shown>,
    ) -> Result<(), Unusable> {
        for name in &sight.found.exact {
            if sight.has_token && **name == AUTHORIZATION {
                self.take_tokens(request.headers_mut(), all)?;
            } else {
                request.headers_mut().remove(*name);
            }
        }
        strip_rest(request, &sight.found.alike)
    }

    /// As [`take`](Self::take), of what is not looked at.
    pub(crate) fn strip<B>(&self, request: &mut Request<B>) -> Result<(), Unusable> {
        let mut found = Found::default();
        self.names.find(request.headers(), &mut found, |_, _| Ok(()))?;
        found.exact.iter().for_each(|it| _ = request.headers_mut().remove(*it));
        strip_rest(request, &found.alike)
    }

    // Takes the lines themselves: a token is kept where it was shown.
    fn take_tokens(
        &self,
        headers: &mut HeaderMap,
        all: &mut Option<Shown>,
    ) -> Result<(), Unusable> {
        // Where no name has two lines, this one has none. Not by an entry, which makes room for one
        // more line first.
        if headers.len() > headers.keys_len() {
            for other in headers.get_all(AUTHORIZATION).iter().skip(1) {
                shown::line(all, other.clone(), self.wanted)?;
            }
        }
        let Some(line) = headers.remove(AUTHORIZATION) else { return Ok(()) };
        shown::line(all, line, self.wanted)
    }
}

/// Where a request shows something.
#[derive(Default)]
pub(crate) struct Sight<'a> {
    found: Found<'a>,
    has_token: bool,
}

// A credential that cannot be taken off must not go on.
fn strip_rest<B>(request: &mut Request<B>, alike: &[HeaderName]) -> Result<(), Unusable> {
    alike.iter().for_each(|it| _ = request.headers_mut().remove(it));
    let removed = query::remove(request.uri_mut(), QUERY);
    removed.map_err(|Unwritable| Unusable("it cannot be taken off"))
}

const QUERY: &str = "Authorization";

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use http::header::COOKIE;
    use http::{HeaderValue, Uri};

    use super::*;
    use crate::inbound::digest::KeyDigest;
    use crate::inbound::shown::{Secret, Way};

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
        let long = "k".repeat(8 * 1024 + 1);
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
            assert!(take(&Places::new(), &mut headers, &Uri::default()).is_err(), "{bytes:?}");
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
        check(&[("x-api-key", KEY), ("authorization", bearer)], Ok(Some(Way::Bearer)));
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
        assert!(take(&Places::new(), &mut HeaderMap::new(), &uri).unwrap().is_none());
    }

    #[test]
    fn every_place_is_stripped_whether_it_was_read_or_not() {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "x-api-key", "x_api_key", "X-Api_Key", "x-key", "x_key"] {
            headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_static(KEY));
        }
        headers.append(COOKIE, HeaderValue::from_static("stays"));
        let mut request = Request::new(());
        *request.headers_mut() = headers;
        *request.uri_mut() = "/p?a=1&authorization=x&Authorization=y&b".parse().unwrap();
        let mut places = Places::new();
        places.name(HeaderName::from_static("x-key"));
        take_all(&places, &mut request).unwrap();
        assert_eq!(request.headers().keys().collect::<Vec<_>>(), [COOKIE]);
        assert_eq!(*request.uri(), "/p?a=1&b");
    }

    #[test]
    fn a_pair_is_kept_for_who_verifies_it_and_must_be_one() {
        check_pairs(&["u:p"], Ok(Some(("u", "p"))));
        check_pairs(&["u:p:q"], Ok(Some(("u", "p:q"))));
        check_pairs(&[":p"], Ok(Some(("", "p"))));
        check_pairs(&["u:"], Ok(Some(("u", ""))));
        check_pairs(&["Ü ser:pass word"], Ok(Some(("Ü ser", "pass word"))));
        check_pairs(&["u:p", "u:p"], Ok(Some(("u", "p"))));
        check_pairs(&["u:p", "u:q"], Err(()));
        check_pairs(&["u:p", "v:p"], Err(()));
        check_pairs(&["u:p\n"], Err(()));
        check_pairs(&["u\u{85}:p"], Err(()));
        check_pairs(&[], Ok(None));
    }

    #[track_caller]
    fn check_pairs(pairs: &[&str], expected: Result<Option<(&str, &str)>, ()>) {
        let mut headers = HeaderMap::new();
        for pair in pairs {
            let line = format!("Basic {}", STANDARD.encode(pair));
            headers.append(AUTHORIZATION, line.parse().unwrap());
        }
        let mut places = Places::new();
        places.want().passwords = true;
        let shown = take(&places, &mut headers, &Uri::default()).map_err(drop);
        let shown = shown.map(|it| {
            it.map(|it| match it.secret {
                Secret::Pair { username, password, .. } => {
                    (username.to_string(), password.to_string())
                }
                Secret::Key(_) | Secret::Token(_) => panic!("not a pair"),
            })
        });
        let expected = expected.map(|it| it.map(|(u, p)| (u.to_owned(), p.to_owned())));
        assert_eq!(shown, expected, "{pairs:?}");
    }

    #[test]
    fn a_token_is_kept_for_who_verifies_it_without_its_scheme() {
        check_token(&["Bearer a.b.c"], "/", Ok(Some("a.b.c")));
        check_token(&["Bearer a.b.c", "bearer a.b.c"], "/", Ok(Some("a.b.c")));
        check_token(&["", "Bearer a.b.c"], "/", Ok(Some("a.b.c")));
        check_token(&[], "/?Authorization=Bearer%20a.b.c", Ok(Some("a.b.c")));
        check_token(&["Bearer a.b.c"], "/?Authorization=Bearer+a%2eb.c", Ok(Some("a.b.c")));
        check_token(&["a.b.c", "Bearer a.b.c"], "/", Ok(Some("a.b.c")));
        check_token(&["Bearer a.b.c", "a.b.c"], "/", Ok(Some("a.b.c")));
        check_token(&["a.b.c"], "/", Ok(None));
        check_token(&["Bearer a.b.c", "Bearer a.b.d"], "/", Err(()));
        check_token(&["Bearer a.b.c"], "/?Authorization=Bearer+a.b.d", Err(()));
    }

    #[track_caller]
    fn check_token(lines: &[&str], uri: &str, expected: Result<Option<&str>, ()>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, line.parse().unwrap());
        }
        let mut places = Places::new();
        places.allow_query(true);
        places.want().tokens = true;
        let shown = take(&places, &mut headers, &uri.parse().unwrap()).map_err(drop);
        let kept = shown.as_ref().map(|it| match it.as_ref().map(|it| &it.secret) {
            Some(Secret::Token(token)) => Some(token.shown().expose()),
            Some(Secret::Key(_) | Secret::Pair { .. }) | None => None,
        });
        assert_eq!(kept, expected.as_ref().map(|it| *it), "{lines:?} {uri}");
        assert!(!headers.contains_key(AUTHORIZATION));
    }

    #[test]
    fn naming_authorization_as_a_key_header_keeps_its_forms() {
        let mut places = Places::new();
        places.rename([AUTHORIZATION]);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert!(take(&places, &mut headers, &Uri::default()).is_ok());
        headers.insert("x-api-key", HeaderValue::from_static("y"));
        assert!(take(&places, &mut headers, &Uri::default()).is_ok());
    }

    #[track_caller]
    fn check(lines: &[(&str, &str)], expected: Result<Option<Way>, ()>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let shown = take(&Places::new(), &mut headers, &Uri::default());
        assert_eq!(shown.map(ways).map_err(drop), expected, "{lines:?}");
    }

    #[track_caller]
    fn check_query(uri: &str, expected: Result<Option<Way>, ()>) {
        let mut places = Places::new();
        places.allow_query(true);
        let shown = take(&places, &mut HeaderMap::new(), &uri.parse().unwrap());
        assert_eq!(shown.map(ways).map_err(drop), expected, "{uri}");
    }

    fn take(
        places: &Places,
        headers: &mut HeaderMap,
        uri: &Uri,
    ) -> Result<Option<Shown>, Unusable> {
        let mut request = Request::new(());
        *request.headers_mut() = std::mem::take(headers);
        *request.uri_mut() = uri.clone();
        let shown = take_all(places, &mut request);
        *headers = std::mem::take(request.headers_mut());
        shown
    }

    fn take_all(places: &Places, request: &mut Request<()>) -> Result<Option<Shown>, Unusable> {
        let mut shown = None;
        let mut sight = Sight::default();
        places.look(request, &mut sight, &mut shown)?;
        places.take(request, &sight, &mut shown).map(|()| shown)
    }

    fn ways(shown: Option<Shown>) -> Option<Way> {
        shown.inspect(|it| assert_eq!(*it.digest(), KeyDigest::of(KEY))).map(|it| it.way)
    }
}
