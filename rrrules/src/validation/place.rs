//! Where parameters are, and what a request has there.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};

use super::text::{Plus, cookies, decode, pairs};

/// Where a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

/// What a request has in each place.
pub(super) struct Sent<'a> {
    /// The parts of the path that the template leaves open, still escaped.
    pub(super) path: Vec<(&'a str, &'a str)>,
    /// Names, decoded, and values, as they were sent.
    pub(super) query: Vec<(Cow<'a, str>, &'a str)>,
    pub(super) headers: &'a HeaderMap,
    cookies: Vec<(&'a str, &'a str)>,
    pub(super) is_query_malformed: bool,
}

impl Place {
    /// As OpenAPI calls it.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "path" => Some(Self::Path),
            "query" => Some(Self::Query),
            "header" => Some(Self::Header),
            "cookie" => Some(Self::Cookie),
            _ => None,
        }
    }

    /// The first name in the pointers to violations.
    pub(super) const fn pointer(self) -> &'static str {
        match self {
            Self::Path => "/path",
            Self::Query => "/query",
            Self::Header => "/headers",
            Self::Cookie => "/cookies",
        }
    }
}

impl<'a> Sent<'a> {
    pub(super) fn of(
        path: Vec<(&'a str, &'a str)>,
        query: Option<&'a str>,
        headers: &'a HeaderMap,
    ) -> Self {
        let mut is_query_malformed = false;
        let mut named = Vec::new();
        for (name, value) in pairs(query.unwrap_or_default()) {
            match plain(name) {
                Some(name) => named.push((name, value)),
                None => is_query_malformed = true,
            }
        }
        let lines = headers.get_all(http::header::COOKIE).iter();
        let lines = lines.filter_map(|it| std::str::from_utf8(it.as_bytes()).ok());
        let cookies = lines.flat_map(cookies).collect();
        Self { path, query: named, headers, cookies, is_query_malformed }
    }

    /// Everything of this name in this place. `None` where it is not text.
    pub(super) fn find(&self, place: Place, name: &str) -> Option<Vec<&'a str>> {
        let of_name = |it: &&(&'a str, &'a str)| it.0 == name;
        Some(match place {
            Place::Path => self.path.iter().filter(of_name).map(|it| it.1).collect(),
            Place::Cookie => self.cookies.iter().filter(of_name).map(|it| it.1).collect(),
            Place::Query => self.query.iter().filter(|it| it.0 == name).map(|it| it.1).collect(),
            Place::Header => {
                let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
                    return Some(Vec::new());
                };
                let lines = self.headers.get_all(name).iter();
                let texts: Result<_, _> =
                    lines.map(|it| std::str::from_utf8(it.as_bytes())).collect();
                return texts.ok();
            }
        })
    }
}

fn plain(name: &str) -> Option<Cow<'_, str>> {
    match name.contains(['%', '+']) {
        true => decode(name, Plus::Space).map(Cow::Owned),
        false => Some(Cow::Borrowed(name)),
    }
}
