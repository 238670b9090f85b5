//! A route: which requests belong to a proxy without naming it.

use std::net::{Ipv4Addr, Ipv6Addr};

use rrrules::CanonicalPath;
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::Node;
use crate::control_plane::wire::methods::Methods;
use crate::model::RouteSpec;

/// As it is stored and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Route {
    /// In lower case; `None`: any host.
    pub(crate) host: Option<String>,
    /// A pattern in the syntax of `matchit`.
    pub(crate) path: String,
    /// `None`: all methods.
    pub(crate) methods: Option<Methods>,
    pub(crate) strip_prefix: bool,
}

impl Route {
    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let host = fields.optional("host", |it| it.parsed(1..=253, |text| host(&text)));
        let path = fields.required("path", |it| it.parsed(1..=1_024, |text| path(&text)));
        let methods = fields.optional("methods", Methods::read);
        let strip_prefix = fields.or("stripPrefix", false, Node::boolean);
        fields.close();
        Some(Self { host: host?, path: path?, methods: methods?, strip_prefix: strip_prefix? })
    }

    /// Whether some method belongs to both.
    pub(crate) fn shares_a_method(&self, other: &Self) -> bool {
        match (&self.methods, &other.methods) {
            (Some(these), Some(those)) => these.meets(those),
            (None, _) | (_, None) => true,
        }
    }

    /// The route that the data plane matches.
    pub(crate) fn compiled(&self) -> RouteSpec {
        RouteSpec {
            host: self.host.clone(),
            path: self.path.clone(),
            methods: self.methods.iter().flat_map(Methods::iter).cloned().collect(),
            strip_prefix: self.strip_prefix,
        }
    }
}

// As a `Host` header is compared: in lower case, without a port.
fn host(text: &str) -> Result<String, &'static str> {
    let host = text.trim_end_matches('.').to_ascii_lowercase();
    let six = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if six.is_some_and(|it| it.parse::<Ipv6Addr>().is_ok()) || host.parse::<Ipv4Addr>().is_ok() {
        return Ok(host);
    }
    let name = host.strip_prefix("*.").unwrap_or(&host);
    if name.split('.').all(is_label) {
        return Ok(host);
    }
    Err("expected a host without a port, such as api.example.com or *.example.com")
}

fn is_label(label: &str) -> bool {
    let is_end = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    let (first, last) = (label.bytes().next(), label.bytes().next_back());
    label.len() <= 63
        && first.is_some_and(is_end)
        && last.is_some_and(is_end)
        && label.bytes().all(|it| is_end(it) || it == b'-')
}

fn path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err("a path starts with /".to_owned());
    }
    if text == "/api" || text.starts_with("/api/") {
        return Err("what follows /api/ names a proxy: it is no route".to_owned());
    }
    matchit::Router::new().insert(text, ()).map_err(|it| it.to_string())?;
    // With something in front of parameters, whether routes can stand together depends on the order
    // in which matchit gets them, and on others that may go: a deletion could become impossible.
    if text.split('/').any(|it| it.contains('{') && !it.starts_with('{')) {
        return Err("a parameter starts its segment: nothing stands in front of it".to_owned());
    }
    // Requests are matched in their canonical form: what is not in it would never be.
    let literal = with_a_name_for_each_parameter(text);
    match CanonicalPath::parse(&literal) {
        Ok(canonical) if canonical.as_str() == literal => Ok(text.to_owned()),
        Ok(_) => Err("this is not the canonical form of a path: no request has it".to_owned()),
        Err(why) => Err(format!("no request has such a path: {why}")),
    }
}

// `/a/{b}/{{c}}` → `/a/x/{c}`.
fn with_a_name_for_each_parameter(pattern: &str) -> String {
    let mut literal = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    while let Some(it) = rest.next() {
        match it {
            '{' | '}' if rest.peek() == Some(&it) => literal.extend(rest.next()),
            '{' => {
                rest.by_ref().find(|it| *it == '}');
                literal.push('x');
            }
            other => literal.push(other),
        }
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn a_host_is_a_name_or_an_address_without_a_port() {
        for (text, expected) in [
            ("API.Example.com.", "api.example.com"),
            ("*.example.com", "*.example.com"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("localhost", "localhost"),
            ("my_host-1", "my_host-1"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "a:80", "*", "*.", "a.*.b", "*.*.b", "a..b", "-a", "a b", "::1", "[x]", "a/b", "é", ".",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_one_that_requests_can_have() {
        for text in ["/", "/v1/{name}", "/v1/{*rest}", "/{*rest}", "/{id}.png", "/apis/{x}"] {
            check(text, None);
        }
        check("v1", Some("a path starts with /"));
        check("/api/x", Some("what follows /api/ names a proxy: it is no route"));
        check("/a/{b", Some("Parameters must be registered with a valid name"));
        check("/{*rest}/a", Some("Catch-all parameters are only allowed at the end of a route"));
        check("/{a}{b}", Some("Only one parameter is allowed per path segment"));
        check("/a/img-{b}", Some("a parameter starts its segment: nothing stands in front of it"));
        let odd = "this is not the canonical form of a path: no request has it";
        check("/a/../{b}", Some(odd));
        check("/%61/{b}", Some(odd));
        check("/{{a}}", Some(odd));
        check("/{a}/?x", Some("no request has such a path: "));
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        let read = |text: &str| Flaws::read(Json::parse(text.as_bytes()).unwrap(), Route::read);
        let flaws = read(r#"{"host":"a:1","methods":["get"],"x":1}"#).unwrap_err();
        let pointers: Vec<_> = flaws.iter().map(|it| it.pointer.as_str()).collect();
        assert_eq!(pointers, ["/host", "/path", "/methods/0", "/x"]);
        let route = read(r#"{"path":"/a","methods":["GET","POST"],"stripPrefix":true}"#).unwrap();
        assert_eq!(route.compiled().methods, [Method::GET, Method::POST]);
    }

    #[track_caller]
    fn check(text: &str, refused: Option<&str>) {
        match (path(text), refused) {
            (Ok(it), None) => assert_eq!(it, text),
            (Err(why), Some(expected)) => assert!(why.starts_with(expected), "{text}: {why}"),
            (it, _) => panic!("{text}: {it:?}"),
        }
    }
}
