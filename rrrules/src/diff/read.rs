//! Requests described in JSON.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::diff::described::Described;
use crate::json::{JsonError, Node};
use crate::path::CanonicalPath;
use crate::path_options::{DuplicateSlashes, EncodedPercent, EncodedSlash, PathOptions};

impl Described {
    /// Reads what an audit record knows of a request: `method`, `path`, and of the query the names
    /// (`queryKeys`). Other members are ignored.
    ///
    /// `None` for a request that was refused before rules were asked about a path: its `stage` is
    /// `hygiene` or `route`, or its `path` is not canonical.
    ///
    /// A record has up to 64 names of up to 64 characters. With 64 of them, or one that is as long,
    /// nothing is known of the query: there may be more.
    ///
    /// # Errors
    /// On a record without `method` or `path`, and on those three of another type.
    pub fn from_record(record: &Value) -> Result<Option<Self>, JsonError> {
        self::record(record)
    }

    /// Reads a request:
    ///
    /// ```json
    /// {"method": "POST", "path": "/users", "query": "a=1&b=2",
    ///  "headers": {"content-type": "application/json", "x-tag": ["a", "b"]},
    ///  "body": "{\"role\":\"user\"}"}
    /// ```
    ///
    /// Required are `method` and `path`, which is made canonical. Of what else is left out nothing
    /// is known; `null` says that there is none. A `body` that is not a text stands for that JSON.
    ///
    /// # Errors
    /// On other members, on those of another type, and on what is no method, path, query or header.
    pub fn from_json(request: &Value) -> Result<Self, JsonError> {
        self::request(request)
    }
}

pub(super) fn record(record: &Value) -> Result<Option<Described>, JsonError> {
    let mut fields = Node::root(record).object()?;
    let method = method(&fields.required("method")?)?;
    let text = fields.required("path")?.text(0..=usize::MAX)?;
    let stage = fields.take("stage").map(|it| it.text(0..=MOST_NAME)).transpose()?;
    let names = fields.take("queryKeys").map(|it| it.list(usize::MAX)).transpose()?;
    let names: Option<Result<Vec<&str>, _>> =
        names.map(|it| it.iter().map(|it| it.text(0..=usize::MAX)).collect());
    let names = names.transpose()?;
    if stage.is_some_and(|it| BEFORE_PATHS.contains(&it)) {
        return Ok(None);
    }
    let path = CanonicalPath::parse_with(text, KEPT).ok().filter(|it| it.as_str() == text);
    let request = path.map(|path| Described::new(method, path));
    let are_all = |names: &Vec<&str>| {
        names.len() < MOST_NAMES && names.iter().all(|it| it.chars().count() < LONGEST_NAME)
    };
    Ok(match names.filter(are_all) {
        // No name, no parameter.
        Some(names) if names.is_empty() => request.map(|it| it.query(None::<String>)),
        Some(names) => request.map(|it| it.query_names(names)),
        None => request,
    })
}

pub(super) fn request(request: &Value) -> Result<Described, JsonError> {
    let mut fields = Node::root(request).object()?;
    let method = method(&fields.required("method")?)?;
    let node = fields.required("path")?;
    let path = CanonicalPath::parse_with(node.text(0..=usize::MAX)?, KEPT);
    let path = path.map_err(|error| node.error(error.to_string()))?;
    let mut described = Described::new(method, path);
    if let Some(node) = fields.given("query") {
        described = described.query(query(&node)?);
    }
    if let Some(node) = fields.given("headers") {
        described = described.headers(headers(&node)?);
    }
    if let Some(node) = fields.given("body") {
        described = described.body(body(node.value()));
    }
    fields.close()?;
    Ok(described)
}

fn method(node: &Node<'_>) -> Result<Method, JsonError> {
    let text = node.text(1..=MOST_NAME)?;
    Method::from_bytes(text.as_bytes()).map_err(|_| node.error("this is not a method"))
}

fn query<'a>(node: &Node<'a>) -> Result<Option<&'a str>, JsonError> {
    if node.value().is_null() {
        return Ok(None);
    }
    let text = node.text(0..=usize::MAX)?;
    if text.starts_with('?') || text.contains('#') {
        return Err(node.error("expected what stands between `?` and `#`"));
    }
    Ok(Some(text))
}

// Each name once, with one line or several.
fn headers(node: &Node<'_>) -> Result<HeaderMap, JsonError> {
    let mut headers = HeaderMap::new();
    if node.value().is_null() {
        return Ok(headers);
    }
    for (name, node) in node.object()?.all() {
        let name: HeaderName = name.parse().map_err(|_| node.error("not a header name"))?;
        let lines = if node.value().is_array() { node.list(MOST_LINES)? } else { vec![node] };
        for line in lines {
            let value = HeaderValue::from_str(line.text(0..=usize::MAX)?);
            headers.append(name.clone(), value.map_err(|_| line.error("not a header value"))?);
        }
    }
    Ok(headers)
}

fn body(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// Stages at which a request has no canonical path yet.
const BEFORE_PATHS: [&str; 2] = ["hygiene", "route"];
/// As many names, and as many characters of each, as a record has at the most.
const MOST_NAMES: usize = 64;
const LONGEST_NAME: usize = 64;
const MOST_NAME: usize = 256;
const MOST_LINES: usize = 1_000;

/// What any target may have let in: that is for the target to decide, and was decided.
const KEPT: PathOptions = PathOptions::strict()
    .encoded_slash(EncodedSlash::Keep)
    .duplicate_slashes(DuplicateSlashes::Keep)
    .encoded_percent(EncodedPercent::Keep);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_mistake_is_told_with_is_its_place() {
        refuse(&json!([]), "expected an object");
        refuse(&json!({"path": "/"}), "/method: this is required");
        refuse(&json!({"method": "A B", "path": "/"}), "/method: this is not a method");
        refuse(&json!({"method": "GET", "path": "/.."}), "/path: The path climbs above its root.");
        let get = |more: Value| {
            let mut request = json!({"method": "GET", "path": "/"});
            let members = more.as_object().unwrap().clone();
            request.as_object_mut().unwrap().extend(members);
            request
        };
        refuse(&get(json!({"query": "?a"})), "/query: expected what stands between `?` and `#`");
        refuse(&get(json!({"query": ["a"]})), "/query: expected a text");
        refuse(&get(json!({"headers": {"a b": "c"}})), "/headers/a b: not a header name");
        refuse(&get(json!({"headers": {"a": ["b", "\n"]}})), "/headers/a/1: not a header value");
        refuse(&get(json!({"header": {}})), "/header: there is no such field here");
        let record = |more| record(&get(more)).unwrap_err().to_string();
        assert_eq!(record(json!({"queryKeys": [1]})), "/queryKeys/0: expected a text");
        assert_eq!(record(json!({"queryKeys": "a"})), "/queryKeys: expected a list");
    }

    #[test]
    fn records_of_requests_that_met_no_rule_are_passed_over() {
        let is_some = |path: &str, stage: Option<&str>| {
            let record = json!({"method": "GET", "path": path, "stage": stage, "other": {}});
            Described::from_record(&record).unwrap().is_some()
        };
        assert!(is_some("/a", None) && is_some("/a", Some("rules")));
        // A target may keep these.
        assert!(is_some("/a//b", None) && is_some("/a%2Fb%25", None));
        for (path, stage) in
            [("/%2e", None), ("", None), ("/api/x", Some("route")), ("/a", Some("hygiene"))]
        {
            assert!(!is_some(path, stage), "{path}");
        }
    }

    #[track_caller]
    fn refuse(document: &Value, expected: &str) {
        assert_eq!(Described::from_json(document).unwrap_err().to_string(), expected);
    }
}
