//! Ready ways to say who spends together.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;
use rrcore::Context;
use smallvec::SmallVec;

use crate::key::Key;

/// Who spends together: all requests that agree in each part of this.
///
/// ```
/// use rratelimit::Per;
///
/// // Each credential by itself, on each path.
/// let per = Per::credential().and(Per::path());
/// # let head = http::Request::get("/a/%62").body(()).unwrap().into_parts().0;
/// # let other = http::Request::get("//a/./b?c").body(()).unwrap().into_parts().0;
/// # assert_eq!(per.key(&head), per.key(&other));
/// ```
///
/// # Caveats
///
/// - What a client writes as it likes, such as a header, makes as many keys as it likes. Add what it
///   cannot change, or hold it to a second quota by address.
/// - Requests that lack what is asked for are one: all without a credential spend together.
#[derive(Clone)]
#[must_use]
pub struct Per {
    parts: SmallVec<[Part; 2]>,
}

#[derive(Clone)]
enum Part {
    Constant(Arc<str>),
    Caller,
    Credential,
    Subject,
    Address,
    Header(HeaderName),
    Path,
    Other(Arc<str>, Reader),
}

type Reader = Arc<dyn Fn(&Parts) -> Option<Arc<str>> + Send + Sync>;

impl Per {
    /// All together, under this name: of a proxy, of a service. Layers that share a limiter and the
    /// name share the counts.
    pub fn everybody(name: impl Into<Arc<str>>) -> Self {
        Self::of(Part::Constant(name.into()))
    }

    /// The credential in the request's [`Context`], by its id; if there is none, the network of the
    /// client's address there. Callers of whom neither is known, because nothing outside this layer
    /// has put it there, are one.
    pub fn caller() -> Self {
        Self::of(Part::Caller)
    }

    /// The credential in the request's [`Context`], by its id.
    pub fn credential() -> Self {
        Self::of(Part::Credential)
    }

    /// Who is calling by the request's [`Context`], whichever credential was shown.
    pub fn subject() -> Self {
        Self::of(Part::Subject)
    }

    /// The network of the client's address in the request's [`Context`]: an IPv4 address, or the
    /// /64 of an IPv6 one. Never what a client claims: see `rrcore::TrustedProxies`.
    pub fn address() -> Self {
        Self::of(Part::Address)
    }

    /// The values of a header, of all its lines in their order.
    pub fn header(name: HeaderName) -> Self {
        Self::of(Part::Header(name))
    }

    /// The path, without the query. Paths that some server may take for the same are one here:
    /// percent-encoding is undone, also twice, dot segments and empty segments are resolved, and
    /// case does not matter.
    pub fn path() -> Self {
        Self::of(Part::Path)
    }

    /// Whatever `read` finds, such as a claim of a token or the route that was matched: both are in
    /// the request's extensions. `name` keeps it apart from what others find.
    pub fn reading(
        name: impl Into<Arc<str>>,
        read: impl Fn(&Parts) -> Option<Arc<str>> + Send + Sync + 'static,
    ) -> Self {
        Self::of(Part::Other(name.into(), Arc::new(read)))
    }

    /// These that agree in `other`, too.
    pub fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Under which key a request is counted.
    #[must_use]
    pub fn key(&self, head: &Parts) -> Key {
        let mut name = Name::default();
        for part in &self.parts {
            part.name(head, &mut name);
        }
        name.key()
    }

    fn of(part: Part) -> Self {
        Self { parts: SmallVec::from_iter([part]) }
    }
}

/// A name in parts, in one piece of memory.
#[derive(Default)]
struct Name {
    bytes: SmallVec<[u8; 128]>,
    ends: SmallVec<[usize; 8]>,
}

impl Name {
    fn push(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
        self.ends.push(self.bytes.len());
    }

    fn key(&self) -> Key {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let parts = starts.zip(&self.ends);
        Key::of_bytes(parts.map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default()))
    }
}

impl Part {
    fn name(&self, head: &Parts, to: &mut Name) {
        let context = head.extensions.get::<Context>();
        let identity = context.and_then(Context::identity);
        match self {
            Self::Constant(name) => to.pair("all", Some(name.as_bytes())),
            Self::Caller => match identity {
                Some(it) => to.pair("credential", Some(it.credential().as_bytes())),
                None => address(context, to),
            },
            Self::Credential => {
                to.pair("credential", identity.map(|it| it.credential().as_bytes()))
            }
            Self::Subject => to.pair("subject", identity.map(|it| it.subject().as_bytes())),
            Self::Address => address(context, to),
            Self::Header(name) => {
                to.pair("header", Some(name.as_str().as_bytes()));
                let mut lines = 0_u64;
                for value in head.headers.get_all(name) {
                    to.push(value.as_bytes());
                    lines += 1;
                }
                // Or the lines of this would run into the next part.
                to.push(&lines.to_le_bytes());
            }
            Self::Path => to.pair("path", Some(&plain(head.uri.path()))),
            Self::Other(name, read) => {
                to.pair("reading", Some(name.as_bytes()));
                let value = read(head);
                to.pair("read", value.as_ref().map(|it| it.as_bytes()));
            }
        }
    }
}

impl Name {
    fn pair(&mut self, kind: &str, value: Option<&[u8]>) {
        self.push(kind.as_bytes());
        match value {
            Some(value) => {
                self.push(b"is");
                self.push(value);
            }
            None => self.push(b"missing"),
        }
    }
}

fn address(context: Option<&Context>, to: &mut Name) {
    match context.and_then(Context::address).map(|it| it.network()) {
        Some(IpAddr::V4(it)) => to.pair("address", Some(&it.octets())),
        Some(IpAddr::V6(it)) => to.pair("address", Some(&it.octets())),
        None => to.pair("address", None),
    }
}

/// The path as the most generous reader sees it.
fn plain(path: &str) -> Vec<u8> {
    let decoded = decoded(&decoded(path.as_bytes()));
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in decoded.split(|it| matches!(it, b'/' | b'\\')) {
        match segment {
            b"" | b"." => {}
            b".." => _ = segments.pop(),
            _ => segments.push(segment),
        }
    }
    let mut plain = segments.join(&b'/');
    plain.make_ascii_lowercase();
    plain
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, others @ ..] = rest {
        let byte = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { rest.get(3..).unwrap_or_default() } else { others };
    }
    decoded
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Debug for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.parts.iter().map(|it| match it {
            Part::Constant(name) | Part::Other(name, _) => &**name,
            Part::Caller => "caller",
            Part::Credential => "credential",
            Part::Subject => "subject",
            Part::Address => "address",
            Part::Header(name) => name.as_str(),
            Part::Path => "path",
        });
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn paths_that_some_server_takes_for_the_same_are_one() {
        for (path, expected) in [
            ("/a/b", "a/b"),
            ("/a/b/", "a/b"),
            ("//a/./b", "a/b"),
            ("/x/../a/b", "a/b"),
            ("/../a/b", "a/b"),
            ("/%61/b", "a/b"),
            ("/%2561/b", "a/b"),
            ("/a%2fb", "a/b"),
            ("/a%5Cb", "a/b"),
            ("/A/B", "a/b"),
            ("/a%/b", "a%/b"),
            ("/a%zz", "a%zz"),
            ("/", ""),
        ] {
            assert_eq!(plain(path), expected.as_bytes(), "{path}");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let (a, b) = (HeaderName::from_static("x-a"), HeaderName::from_static("x-b"));
        let per = Per::header(a).and(Per::header(b)).and(Per::everybody("proxy"));
        let head = |lines: &[(&str, &str)]| {
            let request = Request::builder();
            let request = lines.iter().fold(request, |it, (name, value)| it.header(*name, *value));
            per.key(&request.body(()).unwrap().into_parts().0)
        };
        let keys = [
            head(&[]),
            head(&[("x-a", "1")]),
            head(&[("x-b", "1")]),
            head(&[("x-a", "1"), ("x-b", "1")]),
            head(&[("x-a", "1"), ("x-a", "1")]),
            head(&[("x-a", "")]),
            head(&[("x-a", "header")]),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(one), "{at}");
        }
    }
}
