//! A request of which only some parts are known.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::path::CanonicalPath;
use crate::subject::{Lacks, Reading, Subject};

/// A request of which only some parts are known: method and path always, the rest as far as it is
/// given.
///
/// What is not known may be anything, but for one thing: of a query that is not known whole, values
/// are taken to have one reading, that is, no `;` and no malformed percent escape.
///
/// ```
/// use http::Method;
/// use rrrules::{CanonicalPath, Described};
///
/// let path = CanonicalPath::parse("/users/7")?;
/// let request = Described::new(Method::GET, path).query_names(["page", "debug"]);
/// # Ok::<(), rrrules::PathError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Described {
    method: Method,
    path: CanonicalPath,
    query: Query,
    headers: Option<HeaderMap>,
    body: Option<Bytes>,
}

#[derive(Clone)]
enum Query {
    Unknown,
    /// Each with `=` behind it, and no value.
    Names(String),
    Whole(Option<String>),
}

impl Described {
    /// A request of which nothing else is known.
    pub const fn new(method: Method, path: CanonicalPath) -> Self {
        Self { method, path, query: Query::Unknown, headers: None, body: None }
    }

    /// What follows `?`, as it was sent; `None`: there is no query.
    pub fn query(mut self, query: Option<impl Into<String>>) -> Self {
        self.query = Query::Whole(query.map(Into::into));
        self
    }

    /// The names of all parameters as they were sent, still escaped; one that was sent twice,
    /// twice. Of their values nothing is known.
    pub fn query_names(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut query = String::new();
        for name in names {
            // Whatever else they are, these are no separators.
            query.push_str(&name.as_ref().replace('&', "%26").replace('=', "%3D"));
            query.push_str("=&");
        }
        self.query = Query::Names(query);
        self
    }

    /// All headers.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = Some(headers);
        self
    }

    /// The body, as it was sent; empty where there was none. Of use only with headers and query:
    /// they say how it is read.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path.
    #[must_use]
    pub const fn path(&self) -> &CanonicalPath {
        &self.path
    }

    /// What is known, for rules to look at, and what is not.
    pub(super) fn reading<'a>(&'a self, nothing: &'a Nothing) -> Reading<'a> {
        let subject = Subject {
            method: &self.method,
            path: &self.path,
            query: match &self.query {
                Query::Unknown => None,
                Query::Names(names) => Some(names),
                Query::Whole(query) => query.as_deref(),
            },
            headers: self.headers.as_ref().unwrap_or(&nothing.headers),
            body: self.body.as_ref().unwrap_or(&nothing.body),
        };
        Reading::lacking(subject, self.lacks())
    }

    fn lacks(&self) -> Lacks {
        let (query, query_values) = match &self.query {
            Query::Unknown => (true, true),
            Query::Names(_) => (false, true),
            Query::Whole(_) => (false, false),
        };
        Lacks { headers: self.headers.is_none(), query, query_values, body: self.body.is_none() }
    }
}

/// What stands where nothing is known.
#[derive(Debug, Default)]
pub(super) struct Nothing {
    headers: HeaderMap,
    body: Bytes,
}

// Queries, headers and bodies carry secrets.
impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Described")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
