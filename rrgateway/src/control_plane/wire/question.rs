//! A described request, read from what a client sent.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::control_plane::wire::fields::{Fields, Flaw, Flaws, Node};
use crate::control_plane::wire::json::{Json, NotJson};
use crate::control_plane::wire::text;
use crate::model::Question;

/// Reads a document: not JSON at all, or not a described request, or one.
pub(crate) fn read(document: &[u8]) -> Result<Result<Question, Vec<Flaw>>, NotJson> {
    let json = Json::parse(document)?;
    Ok(Flaws::read(json, |node| question(node, document)))
}

fn question(node: Node<'_>, document: &[u8]) -> Option<Question> {
    let mut fields = node.object()?;
    let proxy = fields.required("proxyId", |it| it.parsed(1..=64, |text| proxy(&text)));
    let method =
        fields.required("method", |it| it.parsed(1..=MOST_METHOD, |text| text::method(&text)));
    let target = target(&mut fields);
    let headers = fields.or("headers", HeaderMap::new(), headers);
    let body = fields.optional("body", |it| body(it, document));
    let credential = fields.optional("credentialId", |it| it.text(1..=64));
    fields.close();
    let mut headers = headers?;
    let body = match body? {
        None => Bytes::new(),
        Some(Body::Text(text)) => text,
        Some(Body::Json(text)) => {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            text
        }
    };
    Some(Question {
        proxy: proxy?,
        method: method?,
        target: target?,
        headers,
        body,
        credential: credential?,
    })
}

enum Body {
    Text(Bytes),
    Json(Bytes),
}

/// The one member that is taken as it was written: numbers keep their spelling.
#[derive(Deserialize)]
struct Verbatim<'a> {
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

fn proxy(text: &str) -> Result<String, &'static str> {
    let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_-".contains(&it);
    let is_name = text.bytes().all(is_plain);
    is_name.then(|| text.to_owned()).ok_or("an id or an alias is 1 to 64 of a-z, 0-9, _ and -")
}

// The path, and the query in it or beside it.
fn target(fields: &mut Fields<'_>) -> Option<String> {
    let has_query = fields.has("query");
    let path = fields.required("path", |it| it.parsed(0..=MOST_TARGET, |text| path(&text)));
    let query = fields.optional("query", query);
    let (path, query) = (path?, query?);
    if has_query && path.contains('?') {
        return fields.flaw("query", "the path has a query already: give one");
    }
    match query {
        None => Some(path),
        Some(query) => {
            let target = format!("{path}?{query}");
            let is_uri = Uri::try_from(format!("{PREFIX}{target}")).is_ok();
            if is_uri { Some(target) } else { fields.flaw("query", UNSENDABLE) }
        }
    }
}

fn path(text: &str) -> Result<String, &'static str> {
    if !text.is_empty() && !text.starts_with(['/', '?']) {
        return Err("expected a path that starts with /");
    }
    if text.contains('#') {
        return Err("a fragment (#…) is never sent");
    }
    let target = if text.starts_with('?') { format!("/{text}") } else { text.to_owned() };
    let is_uri = Uri::try_from(format!("{PREFIX}{target}")).is_ok();
    if is_uri { Ok(target) } else { Err(UNSENDABLE) }
}

fn query(node: Node<'_>) -> Option<String> {
    if node.is_text() {
        return node.parsed(0..=MOST_TARGET, |text| match text.contains('#') {
            true => Err("a fragment (#…) is never sent"),
            false => Ok(text.strip_prefix('?').unwrap_or(&text).to_owned()),
        });
    }
    if node.is_empty_object() {
        return Some(String::new());
    }
    let parameters = node.table(MOST_NAMES, |name, node| {
        let values = several(node, |it| it.content().map(|it| encoded(&it)))?;
        let name = encoded(name);
        Some(values.into_iter().map(move |value| format!("{name}={value}")))
    })?;
    Some(parameters.into_iter().flatten().collect::<Vec<_>>().join("&"))
}

fn headers(node: Node<'_>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    if node.is_empty_object() {
        return Some(headers);
    }
    let lines = node.table(MOST_NAMES, |name, node| {
        let Ok(name) = name.parse::<HeaderName>() else {
            return node.flaw("this is not a header name");
        };
        Some((name, several(node, header_value)?))
    })?;
    for (name, values) in lines {
        values.into_iter().for_each(|it| _ = headers.append(name.clone(), it));
    }
    Some(headers)
}

fn header_value(node: Node<'_>) -> Option<HeaderValue> {
    node.parsed(0..=MOST_TARGET, |text| {
        HeaderValue::from_str(text.trim()).map_err(|_| "this cannot be the value of a header")
    })
}

// One, or a list.
fn several<T>(node: Node<'_>, mut read: impl FnMut(Node<'_>) -> Option<T>) -> Option<Vec<T>> {
    if node.is_list() { node.list(MOST_VALUES, read) } else { read(node).map(|it| vec![it]) }
}

fn body(node: Node<'_>, document: &[u8]) -> Option<Body> {
    if node.is_text() {
        return node.content().map(|it| Body::Text(Bytes::copy_from_slice(it.as_bytes())));
    }
    // It was parsed before.
    let verbatim: Verbatim<'_> = serde_json::from_slice(document).ok()?;
    let text = verbatim.body?.get();
    Some(Body::Json(Bytes::copy_from_slice(text.as_bytes())))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// About as long as the longest that there are.
const PREFIX: &str = "/api/x";
const UNSENDABLE: &str = "this cannot be sent in a request: encode what is no visible ASCII";
const MOST_METHOD: usize = 64;
const MOST_TARGET: usize = 64 << 10;
const MOST_NAMES: usize = 100;
const MOST_VALUES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_in_the_path_or_beside_it() {
        let target = |more: &str| described(more).unwrap().target;
        assert_eq!(target(r#""path":"/a?x=1""#), "/a?x=1");
        assert_eq!(target(r#""path":"/a","query":"x=1&y""#), "/a?x=1&y");
        assert_eq!(target(r#""path":"/a","query":"?x=1""#), "/a?x=1");
        assert_eq!(target(r#""path":"/a","query":null"#), "/a");
        assert_eq!(target(r#""path":"""#), "");
        assert_eq!(target(r#""path":"?x""#), "/?x");
        assert_eq!(target(r#""path":"/a","query":{}"#), "/a?");
        assert_eq!(
            target(r#""path":"/a","query":{"a b":["1&2","é\n"],"c":""}"#),
            "/a?a%20b=1%262&a%20b=%C3%A9%0A&c="
        );
    }

    #[test]
    fn a_body_is_sent_as_it_was_written() {
        let sent = |body: &str| {
            let question = described(&format!(r#""path":"/","body":{body}"#)).unwrap();
            let kind = question.headers.get(CONTENT_TYPE).map(|it| it.to_str().unwrap().to_owned());
            (String::from_utf8(question.body.to_vec()).unwrap(), kind)
        };
        let json = Some("application/json".to_owned());
        assert_eq!(sent(r#""a\n{""#), ("a\n{".to_owned(), None));
        assert_eq!(sent("null"), (String::new(), None));
        assert_eq!(
            sent(r#"{"b":1.50, "a":-1}"#),
            (r#"{"b":1.50, "a":-1}"#.to_owned(), json.clone())
        );
        assert_eq!(
            sent("[12345678901234567890123]"),
            ("[12345678901234567890123]".to_owned(), json)
        );
        let typed = r#""path":"/","body":{},"headers":{"Content-Type":"application/x+json"}"#;
        assert_eq!(described(typed).unwrap().headers[CONTENT_TYPE], "application/x+json");
    }

    #[test]
    fn a_header_may_come_several_times() {
        let question = described(r#""path":"/","headers":{"X-A":["1"," 2 "],"x-b":"3"}"#).unwrap();
        let lines: Vec<_> = question.headers.get_all("x-a").iter().collect();
        assert_eq!(lines, ["1", "2"]);
        assert_eq!(question.headers["x-b"], "3");
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check(r#""path":"a""#, "/path: expected a path that starts with /");
        check(r#""path":"/a#b""#, "/path: a fragment (#…) is never sent");
        check(r#""path":"/a b""#, &format!("/path: {UNSENDABLE}"));
        check(r#""path":"/a?b","query":"c""#, "/query: the path has a query already: give one");
        check(r#""path":"/a","query":"a b""#, &format!("/query: {UNSENDABLE}"));
        check(r#""path":"/a","query":{"a":1}"#, "/query/a: expected a text");
        check(r#""path":"/","headers":{"a b":"c"}"#, "/headers/a b: this is not a header name");
        check(r#""path":"/","headers":{"a":["b",1]}"#, "/headers/a/1: expected a text");
        let known = "proxyId, method, path, query, headers, body, credentialId";
        let unknown = format!("/verb: there is no such field here (there are: {known})");
        check(r#""path":"/","verb":1"#, &unknown);
        let lower = read(br#"{"proxyId":"P","method":"delete","path":"/"}"#).unwrap().unwrap_err();
        let said: Vec<_> = lower.iter().map(|it| (&*it.pointer, &*it.detail)).collect();
        assert_eq!(
            said,
            [
                ("/proxyId", "an id or an alias is 1 to 64 of a-z, 0-9, _ and -"),
                ("/method", "methods are case-sensitive: write DELETE"),
            ]
        );
    }

    #[track_caller]
    fn check(more: &str, expected: &str) {
        let flaws = described(more).unwrap_err();
        let said: Vec<_> =
            flaws.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect();
        assert_eq!(said, [expected]);
    }

    fn described(more: &str) -> Result<Question, Vec<Flaw>> {
        read(format!(r#"{{"proxyId":"p","method":"GET",{more}}}"#).as_bytes()).unwrap()
    }
}
