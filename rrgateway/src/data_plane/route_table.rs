//! Finds a proxy by host, path pattern and method.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use http::Method;

use crate::model::{Proxy, RouteSpec};

/// All routes of one revision.
#[derive(Debug, Default)]
pub struct RouteTable {
    exact: HashMap<String, PathTable>,
    /// By what stands behind `*.`, which is one label.
    wildcard: HashMap<String, PathTable>,
    any: PathTable,
}

#[derive(Debug, Default)]
struct PathTable {
    patterns: matchit::Router<usize>,
    known: HashMap<String, usize>,
    entries: Vec<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    proxy: Arc<str>,
    pattern: Arc<str>,
    methods: Vec<Method>,
    /// Bytes of the path that are taken off before it goes on.
    strip: usize,
}

/// What was found for a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// This proxy, with this path from here on.
    Proxy {
        /// Its id.
        proxy: &'a Arc<str>,
        /// Begins with a slash.
        path: &'a str,
        /// Of the route, as it was written.
        pattern: &'a Arc<str>,
        /// The names in it, with what stands for them in the path.
        parameters: Vec<(String, String)>,
    },
    /// The path is a route's, but not with this method; these it has.
    OtherMethods(Vec<Method>),
    /// No route has this path.
    Nothing,
}

impl RouteTable {
    /// The table of all routes of `proxies`.
    ///
    /// # Errors
    /// When two patterns cannot be told apart.
    pub fn new(proxies: &[Arc<Proxy>]) -> anyhow::Result<Self> {
        let mut table = Self::default();
        for proxy in proxies {
            for route in &proxy.routes {
                table.insert(&proxy.id, route).with_context(|| {
                    format!("the route {} of the proxy {}", route.path, proxy.id)
                })?;
            }
        }
        Ok(table)
    }

    /// What `path`, which is canonical, means at `host`, which is in lower case and without port.
    ///
    /// The most specific host that has the path decides: the one that is written out, then the
    /// wildcard, then any.
    #[must_use]
    pub fn find<'a>(&'a self, host: &str, path: &'a str, method: &Method) -> Found<'a> {
        let parent = host.split_once('.').map(|(_, parent)| parent);
        let tables =
            [self.exact.get(host), parent.and_then(|it| self.wildcard.get(it)), Some(&self.any)];
        let mut others = Vec::new();
        for table in tables.into_iter().flatten() {
            match table.find(path, method) {
                Found::Nothing => {}
                Found::OtherMethods(methods) => others.extend(methods),
                found @ Found::Proxy { .. } => return found,
            }
        }
        if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
    }

    fn insert(&mut self, proxy: &Arc<str>, route: &RouteSpec) -> anyhow::Result<()> {
        let table = match route.host.as_deref() {
            None => &mut self.any,
            Some(host) => match host.strip_prefix("*.") {
                Some(parent) => self.wildcard.entry(parent.to_owned()).or_default(),
                None => self.exact.entry(host.to_owned()).or_default(),
            },
        };
        let strip = if route.strip_prefix { literal(&route.path) } else { 0 };
        let methods = route.methods.clone();
        table.insert(
            &route.path,
            Entry { proxy: Arc::clone(proxy), pattern: route.path.as_str().into(), methods, strip },
        )
    }
}

impl PathTable {
    fn insert(&mut self, pattern: &str, entry: Entry) -> anyhow::Result<()> {
        let place = match self.known.get(pattern) {
            Some(place) => *place,
            None => {
                let place = self.entries.len();
                self.patterns.insert(pattern, place)?;
                self.known.insert(pattern.to_owned(), place);
                self.entries.push(Vec::new());
                place
            }
        };
        let entries = self.entries.get_mut(place).context("a pattern without a place")?;
        entries.push(entry);
        Ok(())
    }

    fn find<'a>(&'a self, path: &'a str, method: &Method) -> Found<'a> {
        let Ok(matched) = self.patterns.at(path) else { return Found::Nothing };
        let Some(entries) = self.entries.get(*matched.value) else { return Found::Nothing };
        match entries.iter().find(|it| it.methods.is_empty() || it.methods.contains(method)) {
            Some(entry) => {
                // The slash before what is kept stays: a path begins with one.
                let path = path.get(entry.strip..).filter(|it| it.starts_with('/'));
                Found::Proxy {
                    proxy: &entry.proxy,
                    path: path.unwrap_or("/"),
                    pattern: &entry.pattern,
                    parameters: owned(&matched.params),
                }
            }
            None => Found::OtherMethods(entries.iter().flat_map(|it| it.methods.clone()).collect()),
        }
    }
}

// Where the literal part before the first parameter ends, less its last slash.
fn literal(pattern: &str) -> usize {
    let end = pattern.find('{').unwrap_or(pattern.len());
    let literal = pattern.get(..end).unwrap_or_default();
    literal.strip_suffix('/').unwrap_or(literal).len()
}

fn owned(parameters: &matchit::Params<'_, '_>) -> Vec<(String, String)> {
    parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_path_and_method_decide() {
        let table = table(&[
            ("any", None, "/v1/{name}", &[], false),
            ("read", Some("api.test"), "/v1/{name}", &["GET"], false),
            ("write", Some("api.test"), "/v1/{name}", &["POST"], false),
            ("wild", Some("*.api.test"), "/v1/{*rest}", &[], false),
        ]);
        check(&table, "GET other.test /v1/x", Some(("any", "/v1/x")));
        check(&table, "GET api.test /v1/x", Some(("read", "/v1/x")));
        check(&table, "POST api.test /v1/x", Some(("write", "/v1/x")));
        check(&table, "GET eu.api.test /v1/x/y", Some(("wild", "/v1/x/y")));
        check(&table, "GET a.b.api.test /v1/x/y", None);
        // The exact host has the path, but not the method: a wider route may still serve it.
        check(&table, "DELETE api.test /v1/x", Some(("any", "/v1/x")));
        check(&table, "GET api.test /v2/x", None);
    }

    #[test]
    fn a_path_without_the_method_says_which_it_has() {
        let table = table(&[("read", None, "/v1/x", &["GET", "HEAD"], false)]);
        let found = table.find("a", "/v1/x", &Method::PUT);
        assert_eq!(found, Found::OtherMethods(vec![Method::GET, Method::HEAD]));
    }

    #[test]
    fn only_the_literal_part_is_stripped_and_only_when_told() {
        let table = table(&[
            ("a", None, "/a/v1/{name}", &[], true),
            ("b", None, "/b/{*rest}", &[], true),
            ("c", None, "/c/exact", &[], true),
            ("d", None, "/d/{*rest}", &[], false),
        ]);
        check(&table, "GET h /a/v1/x", Some(("a", "/x")));
        check(&table, "GET h /b/x/y", Some(("b", "/x/y")));
        check(&table, "GET h /c/exact", Some(("c", "/")));
        check(&table, "GET h /d/x", Some(("d", "/d/x")));
    }

    type Row = (&'static str, Option<&'static str>, &'static str, &'static [&'static str], bool);

    fn table(rows: &[Row]) -> RouteTable {
        let mut table = RouteTable::default();
        for (proxy, host, path, methods, strip_prefix) in rows {
            let methods = methods.iter().map(|it| it.parse().unwrap()).collect();
            let host = host.map(str::to_owned);
            let path = (*path).to_owned();
            let spec = RouteSpec { host, path, methods, strip_prefix: *strip_prefix };
            table.insert(&Arc::from(*proxy), &spec).unwrap();
        }
        table
    }

    #[track_caller]
    fn check(table: &RouteTable, request: &str, expected: Option<(&str, &str)>) {
        let words: Vec<&str> = request.split(' ').collect();
        let found = table.find(words[1], words[2], &words[0].parse().unwrap());
        let seen = match &found {
            Found::Proxy { proxy, path, .. } => Some((&***proxy, *path)),
            Found::OtherMethods(_) | Found::Nothing => None,
        };
        assert_eq!(seen, expected, "{request}");
    }
}
