//! Finds the proxy, by the raw prefix or by a route; then makes the path canonical.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use foldhash::fast::RandomState;
use http::header::{ALLOW, HOST};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Request, Uri};
use rrcore::{Code, Refusal, Stage};
use rrrules::{CanonicalPath, PathOptions};

use crate::data_plane::exchange::Exchange;
use crate::data_plane::matched::Matched;
use crate::data_plane::route::Route;
use crate::data_plane::route_table::{Found, RouteTable};
use crate::data_plane::stack::RouteStack;
use crate::model::Callers;

/// The routes of the revision that is current, swapped whole. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Live {
    current: Arc<ArcSwapOption<Routes>>,
}

/// One revision's routes.
#[derive(Debug)]
pub struct Routes {
    /// The revision's number.
    pub revision: u64,
    /// By the id of the proxy.
    pub table: HashMap<Arc<str>, Arc<Route>, RandomState>,
    /// The ids of the proxies that have an alias, by it.
    pub aliases: HashMap<Arc<str>, Arc<str>>,
    /// By host, path and method.
    pub patterns: RouteTable,
    /// The ways in which the targets of proxies with routes have their paths read: the strict one
    /// first.
    pub readings: Vec<PathOptions>,
    /// All callers of each client, by its id.
    pub callers: HashMap<Arc<str>, Arc<Callers>>,
}

impl Live {
    /// Serves `routes` from the next request on. Requests in flight keep those they began with.
    pub fn swap(&self, routes: Arc<Routes>) {
        self.current.store(Some(routes));
    }

    /// The routes in force, if there are any yet.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Routes>> {
        self.current.load_full()
    }
}

/// Finds the stack for `request`, and rewrites its target to what the stages and the upstream
/// see: the canonical path behind the prefix, with the query as it was sent.
///
/// # Errors
/// 503 `not-ready` or `proxy-inactive`, 404 `proxy-not-found`, 405 `method-not-allowed` where a
/// route has the path but not the method, 400 `malformed-request` for a path without a single
/// reading.
pub fn route<B>(
    live: &Live,
    exchange: &Exchange,
    request: &mut Request<B>,
) -> Result<RouteStack, Refusal> {
    let guard = live.current.load();
    let routes = guard.as_ref().ok_or(Code::NotReady)?;
    routes.route(exchange, request).map(|it| it.stages().stack.clone())
}

type Reading = Result<CanonicalPath, Refusal>;

impl Routes {
    /// As [`route`], in these routes. What was found is noted also where the request is refused.
    ///
    /// # Errors
    /// As [`route`].
    pub fn route<B>(
        &self,
        exchange: &Exchange,
        request: &mut Request<B>,
    ) -> Result<&Route, Refusal> {
        note(exchange, self.revision, request.uri());
        let (route, path) = match split(request.uri().path()) {
            Some((name, rest)) => {
                let route = self.named(name)?;
                (route, canonical(rest, route.options()))
            }
            None => {
                let (route, path, matched) = self.routed(exchange, request)?;
                matched.map(|it| request.extensions_mut().insert(it));
                (route, path)
            }
        };
        exchange.notes().proxy = Some(Arc::clone(&route.proxy));
        let path = path?;
        exchange.notes().path = path.as_str().to_owned();
        let (path, query) = route.rewritten(path, request.uri().query())?;
        exchange.notes().path = path.as_str().to_owned();
        let target = target(&path, query.as_deref()).ok_or_else(malformed)?;
        *request.uri_mut() = target;
        request.extensions_mut().insert(path);
        if !route.proxy.active {
            return Err(Code::ProxyInactive.into());
        }
        exchange.context().passed(Stage::Route);
        Ok(route)
    }

    fn named(&self, name: &str) -> Result<&Route, Refusal> {
        let by_alias = || self.table.get(self.aliases.get(name)?);
        let route = self.table.get(name).or_else(by_alias);
        route.map(|it| &**it).ok_or_else(|| Code::ProxyNotFound.into())
    }

    // Matched on the canonical path: the one that goes on. How a path is read depends on the target,
    // and that is known only once it has been matched; so a route has a request when the path as
    // *its* target reads it matches, whatever it looks like to others.
    fn routed<B>(
        &self,
        exchange: &Exchange,
        request: &Request<B>,
    ) -> Result<(&Route, Reading, Option<Matched>), Refusal> {
        let (host, raw) = (host(request), request.uri().path());
        let mut missed = Missed::Nothing;
        for options in &self.readings {
            let whole = match canonical(raw, *options) {
                Ok(whole) => whole,
                Err(refusal) => {
                    missed = missed.or(Missed::Unread(None, refusal));
                    continue;
                }
            };
            exchange.notes().path = whole.as_str().to_owned();
            match self.patterns.find(&host, whole.as_str(), request.method()) {
                Found::Nothing => {}
                Found::OtherMethods(methods) => missed = missed.or(Missed::Methods(methods)),
                Found::Proxy { proxy, path, pattern, parameters } => {
                    let route = self.table.get(proxy).ok_or(Code::ProxyNotFound)?;
                    match canonical(raw, route.options()) {
                        Ok(own) if own == whole => {
                            let pattern = Arc::clone(pattern);
                            let reading = canonical(path, route.options());
                            return Ok((route, reading, Some(Matched { pattern, parameters })));
                        }
                        // Another path to its target: that one is looked for in its turn.
                        Ok(_) => {}
                        Err(refusal) => missed = missed.or(Missed::Unread(Some(route), refusal)),
                    }
                }
            }
        }
        match missed {
            Missed::Nothing => Err(Code::ProxyNotFound.into()),
            Missed::Methods(methods) => Err(other_methods(&methods)),
            Missed::Unread(None, refusal) => Err(refusal),
            Missed::Unread(Some(route), refusal) => Ok((route, Err(refusal), None)),
        }
    }
}

/// Why no route has a request, from the least to the most that is known.
enum Missed<'a> {
    /// None has this path.
    Nothing,
    /// It has no single reading, to the target of this route.
    Unread(Option<&'a Route>, Refusal),
    /// They have other methods.
    Methods(Vec<Method>),
}

impl Missed<'_> {
    fn or(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Unread(None, _) => 1,
            Self::Unread(Some(_), _) => 2,
            Self::Methods(_) => 3,
        }
    }
}

impl Route {
    // As the proxy says, and canonical again: rules and the upstream see what comes of it.
    fn rewritten<'a>(
        &self,
        path: CanonicalPath,
        query: Option<&'a str>,
    ) -> Result<(CanonicalPath, Option<Cow<'a, str>>), Refusal> {
        let rewrite = &self.proxy.transformation.rewrite;
        if rewrite.is_empty() {
            return Ok((path, query.map(Cow::Borrowed)));
        }
        let path = match rewrite.apply_path(path.as_str()) {
            Cow::Borrowed(_) => path,
            Cow::Owned(rewritten) => canonical(&rewritten, self.options())?,
        };
        let query = query.map(|it| rewrite.apply_query(it)).filter(|it| !it.is_empty());
        Ok((path, query))
    }

    fn options(&self) -> PathOptions {
        self.proxy.target.path_options
    }
}

fn canonical(path: &str, options: PathOptions) -> Reading {
    let path = CanonicalPath::parse_with(path, options);
    path.map_err(|error| malformed().detail(error.to_string()))
}

// Hygiene has seen to it that there is one host and that it is one.
fn host<B>(request: &Request<B>) -> String {
    let line = request.headers().get(HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let host = line.parse::<Authority>().map(|it| it.host().to_ascii_lowercase());
    host.unwrap_or_default()
}

fn other_methods(methods: &[Method]) -> Refusal {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    let refusal = Refusal::new(Code::MethodNotAllowed).at(Stage::Route);
    match HeaderValue::try_from(names.join(", ")) {
        Ok(names) => refusal.header(ALLOW, names),
        Err(_) => refusal,
    }
}

fn note(exchange: &Exchange, revision: u64, uri: &Uri) {
    let mut notes = exchange.notes();
    notes.routed = true;
    notes.revision = revision;
    // Until it has a canonical form; bounded, since it is a client's text.
    notes.path = uri.path().chars().take(PATH_CHARS).collect();
    // Empty pairs are no parameters: they must not crowd out those that are.
    let names = uri.query().unwrap_or_default().split('&').filter_map(|it| it.split('=').next());
    let names = names.filter(|it| !it.is_empty()).take(QUERY_KEYS);
    notes.query_keys = names.map(|it| it.chars().take(KEY_CHARS).collect()).collect();
}

/// `/api/{id}/rest` → (`id`, `/rest`), on the raw bytes: a prefix that needed decoding is not it.
fn split(path: &str) -> Option<(&str, &str)> {
    let behind = path.strip_prefix("/api/")?;
    Some(match behind.find('/') {
        Some(slash) => behind.split_at(slash),
        None => (behind, "/"),
    })
}

fn target(path: &CanonicalPath, query: Option<&str>) -> Option<Uri> {
    let target = match query {
        Some(query) => PathAndQuery::try_from(format!("{}?{query}", path.as_str())),
        None => PathAndQuery::try_from(path.as_str()),
    };
    target.ok().map(Uri::from)
}

fn malformed() -> Refusal {
    Refusal::new(Code::MalformedRequest).at(Stage::Route)
}

const PATH_CHARS: usize = 1024;
const QUERY_KEYS: usize = 64;
const KEY_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_matched_on_raw_bytes() {
        check("/api/prx_1/v1/users", Some(("prx_1", "/v1/users")));
        check("/api/prx_1/", Some(("prx_1", "/")));
        check("/api/prx_1", Some(("prx_1", "/")));
        check("/api/prx_1//x", Some(("prx_1", "//x")));
        check("/api/", Some(("", "/")));
        check("/%61pi/prx_1/x", None);
        check("/API/prx_1/x", None);
        check("//api/prx_1/x", None);
        check("/", None);
    }

    #[track_caller]
    fn check(path: &str, expected: Option<(&str, &str)>) {
        assert_eq!(split(path), expected, "{path}");
    }
}
