//! Where a credential may go.

use std::net::Ipv6Addr;

use http::Uri;
use http::uri::Scheme;

/// The schemes, hosts and ports that a credential was given for.
///
/// Two spellings of one place are one: hosts in any case, with or without the dot at their end, IPv6
/// addresses in any notation, and the port of the scheme written out or not. Paths do not matter.
///
/// ```
/// use rrauth::Destinations;
///
/// let stripe = Destinations::parse(["https://api.stripe.com/v1", "https://files.stripe.com"])?;
/// assert!(stripe.holds(&"https://API.stripe.com:443/v1/charges".parse()?));
/// assert!(!stripe.holds(&"http://api.stripe.com/v1/charges".parse()?));
///
/// let error = Destinations::parse(["https://api.stripe.com", "stripe.com/v1"]).unwrap_err();
/// assert_eq!(error.to_string(), "destination 1: it is not an http or https URL");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Caveats
/// A host is compared as text. `127.0.0.1` and `2130706433` are two hosts here, and whether a name
/// resolves to the same machine tomorrow is for whoever connects to check. The URI counts, not the
/// `Host` header: who lets clients choose that one lets them choose among all that is served there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destinations {
    places: Box<[Place<Box<str>>]>,
}

/// A destination is not one. Shows nothing of it: there may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("destination {index}: {problem}")]
pub struct InvalidDestination {
    index: usize,
    problem: &'static str,
}

/// `T` is the text of a name, without the dot of the root.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place<T> {
    https: bool,
    host: Host<T>,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host<T> {
    Name(T),
    V6(Ipv6Addr),
}

impl Destinations {
    /// The destinations of these absolute http and https URLs. Of none at all, nothing may be sent
    /// anywhere.
    ///
    /// # Errors
    /// When one is not such a URL, or has user information, which browsers and proxies read in
    /// several ways. The error says which one, counted from 0.
    pub fn parse(
        urls: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, InvalidDestination> {
        let places = urls.into_iter().enumerate().map(|(index, url)| {
            let invalid = |problem| InvalidDestination { index, problem };
            let uri: Uri = url.as_ref().parse().map_err(|_| invalid(NOT_A_URL))?;
            place(&uri).map(Place::into_kept).map_err(invalid)
        });
        Ok(Self { places: places.collect::<Result<_, _>>()? })
    }

    /// Whether `uri` is at one of them. One without scheme and host never is.
    #[must_use]
    pub fn holds(&self, uri: &Uri) -> bool {
        place(uri).is_ok_and(|it| self.places.iter().any(|place| place.is(&it)))
    }
}

impl Place<&str> {
    fn into_kept(self) -> Place<Box<str>> {
        let host = match self.host {
            Host::Name(name) => Host::Name(name.to_ascii_lowercase().into()),
            Host::V6(address) => Host::V6(address),
        };
        Place { https: self.https, host, port: self.port }
    }
}

impl Place<Box<str>> {
    // Asked by every request, so it takes no memory.
    fn is(&self, sent: &Place<&str>) -> bool {
        let is_host = match (&self.host, &sent.host) {
            (Host::Name(own), Host::Name(sent)) => own.eq_ignore_ascii_case(sent),
            (Host::V6(own), Host::V6(sent)) => own == sent,
            (Host::Name(_), Host::V6(_)) | (Host::V6(_), Host::Name(_)) => false,
        };
        is_host && self.https == sent.https && self.port == sent.port
    }
}

impl InvalidDestination {
    /// Which one it is, counted from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }
}

fn place(uri: &Uri) -> Result<Place<&str>, &'static str> {
    let https = match uri.scheme() {
        Some(it) if *it == Scheme::HTTPS => true,
        Some(it) if *it == Scheme::HTTP => false,
        Some(_) | None => return Err(NOT_A_URL),
    };
    let authority = uri.authority().ok_or(NOT_A_URL)?.as_str();
    if authority.contains('@') {
        return Err("it has user information");
    }
    let (host, rest) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or(BAD_HOST)?;
            (Host::V6(address.parse().map_err(|_| BAD_HOST)?), rest)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (name, rest) = authority.split_at(end);
            (Host::Name(plain(name)?), rest)
        }
    };
    Ok(Place { https, host, port: port(rest, https)? })
}

fn plain(name: &str) -> Result<&str, &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.split('.').any(str::is_empty) {
        return Err(BAD_HOST);
    }
    Ok(name)
}

// What `http` cannot read as a port it takes for none, which would be the scheme's.
fn port(rest: &str, https: bool) -> Result<u16, &'static str> {
    let digits = match rest.strip_prefix(':') {
        Some(digits) => digits,
        None if rest.is_empty() => "",
        None => return Err(BAD_HOST),
    };
    if digits.is_empty() {
        return Ok(if https { 443 } else { 80 });
    }
    if !digits.bytes().all(|it| it.is_ascii_digit()) {
        return Err(BAD_PORT);
    }
    digits.parse().ok().filter(|it| *it > 0).ok_or(BAD_PORT)
}

const NOT_A_URL: &str = "it is not an http or https URL";
const BAD_HOST: &str = "its host cannot be read";
const BAD_PORT: &str = "its port is not between 1 and 65535";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_place_are_one() {
        check("https://api.example.com", "https://api.example.com/v1?x=1", true);
        check("https://api.example.com:443/", "https://API.example.COM/", true);
        check("https://api.example.com", "https://api.example.com:0443/", true);
        check("https://api.example.com", "https://api.example.com:/", true);
        check("https://api.example.com.", "https://api.example.com/", true);
        check("HTTP://api.example.com", "http://api.example.com.:80/", true);
        check("https://[::1]:8443", "https://[0:0::0:1]:8443/", true);
        check("https://[FD00::A]", "https://[fd00::a]:443/", true);
    }

    #[test]
    fn other_places_are_others() {
        check("https://api.example.com", "http://api.example.com/", false);
        check("https://api.example.com", "http://api.example.com:443/", false);
        check("https://api.example.com", "https://api.example.com:8443/", false);
        check("https://api.example.com", "https://example.com/", false);
        check("https://api.example.com", "https://api.example.com.evil.test/", false);
        check("https://api.example.com", "https://evil.test/api.example.com", false);
        check("https://api.example.com", "https://xapi.example.com/", false);
        check("https://[::1]", "https://[::2]/", false);
        check("https://127.0.0.1", "https://[::ffff:7f00:1]/", false);
    }

    #[test]
    fn what_has_two_readings_is_nowhere() {
        for uri in [
            "/v1",
            "*",
            "api.example.com:443",
            "https://api.example.com@evil.test/",
            "https://u@api.example.com/",
            "https://u:p@api.example.com/",
            "https://api.example.com../",
            "https://api.example.com:99999/",
            "https://api.example.com:0/",
            "https://api.example.com:+443/",
            "wss://api.example.com/",
        ] {
            // Some of these are not even URIs.
            let Ok(uri) = uri.parse::<Uri>() else { continue };
            let here = Destinations::parse(["https://api.example.com"]).unwrap();
            assert!(!here.holds(&uri), "{uri}");
        }
        assert!(!Destinations::parse([""; 0]).unwrap().holds(&"https://a/".parse().unwrap()));
    }

    #[test]
    fn an_error_says_which_and_why_and_shows_no_password() {
        check_invalid("https://u:canary@a.test", "it has user information");
        check_invalid("a.test", NOT_A_URL);
        check_invalid("/v1", NOT_A_URL);
        check_invalid("", NOT_A_URL);
        check_invalid("ftp://a.test", NOT_A_URL);
        check_invalid("https://bücher.test", NOT_A_URL);
        check_invalid("https://a..test", BAD_HOST);
        check_invalid("https://.", BAD_HOST);
        check_invalid("https://[::1%25eth0]", BAD_HOST);
        check_invalid("https://a.test:0", BAD_PORT);
        check_invalid("https://a.test:65536", BAD_PORT);
    }

    #[track_caller]
    fn check(given: &str, sent: &str, expected: bool) {
        let given = Destinations::parse(["https://other.test", given]).unwrap();
        assert_eq!(given.holds(&sent.parse().unwrap()), expected, "{given:?} {sent}");
    }

    #[track_caller]
    fn check_invalid(url: &str, problem: &str) {
        let error = Destinations::parse(["https://a.test", url]).unwrap_err();
        assert_eq!((error.index(), error.problem), (1, problem), "{url}");
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
}
