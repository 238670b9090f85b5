//! Transformations in JSON, as a whole.

use rrcore::json::{Event, Limits, Scanner};

use super::edits::{headers, query};
use super::fields::{Fields, list, text};
use super::steps::body;
use crate::transform::error::InvalidTransform;
use crate::transform::message::{RequestTransform, ResponseTransform, Transform};
use crate::transform::rewrite::{PathRewrite, Rewrite};

impl Transform {
    /// Reads what is changed in requests and responses.
    ///
    /// ```json
    /// {
    ///   "request": {
    ///     "headers": {
    ///       "remove": ["x-debug"], "rename": {"x-old": "x-new"},
    ///       "set": {"x-user": "{claim.sub}"}, "append": {"via": "1.1 rr"}
    ///     },
    ///     "query": {
    ///       "remove": ["debug"], "rename": {"q": "query"}, "set": {"user": "{claim.sub}"},
    ///       "append": {"tag": ["a", "b"]},
    ///       "normalise": {
    ///         "keepOnly": ["q"], "remove": ["utm_source"], "dropEmpty": true,
    ///         "duplicates": "first", "sort": true
    ///       }
    ///     },
    ///     "path": {"pattern": "^/v1/(.*)$", "to": "/v2/$1"},
    ///     "body": [
    ///       {"op": "fromForm"},
    ///       {"op": "add", "path": "/a", "value": 1.0}, {"op": "set", "path": "/b", "value": "{claim.sub}"},
    ///       {"op": "remove", "path": "/c"}, {"op": "rename", "path": "/d", "to": "e"},
    ///       {"op": "move", "from": "/f", "path": "/g"}, {"op": "wrap", "path": "/data"},
    ///       {"op": "patch", "operations": [{"op": "test", "path": "/data/a", "value": 1}]}
    ///     ]
    ///   },
    ///   "response": {
    ///     "headers": {"remove": ["server"]},
    ///     "body": [{"op": "fromXml"}, {"op": "unwrap", "path": "/root"}]
    ///   }
    /// }
    /// ```
    ///
    /// Everything may be left out, or null. `path` may be a list, of which each applies to what the
    /// one before made; it and `normalise` are what [`Rewrite::from_json`] reads from the same text.
    /// The last step of a body may be `{"op": "toForm"}`; `fromXml` needs the feature `xml`. Values
    /// keep their spelling.
    ///
    /// ```
    /// use rrfilter::Transform;
    ///
    /// let text = r#"{"request": {"body": [{"op": "set", "path": "/a", "value": "{claims.sub}"}]}}"#;
    /// let error = Transform::from_json(text).unwrap_err();
    /// let expected = "/request/body/0/value: at 0: there is no variable of this name";
    /// assert_eq!(error.to_string(), expected);
    /// ```
    ///
    /// # Errors
    ///
    /// On what is not JSON, or has two members of one name; on members that are unknown, missing or
    /// of the wrong type; and on what cannot be meant. The first is reported, with its place.
    pub fn from_json(text: &str) -> Result<Self, InvalidTransform> {
        read(text).map(|it| it.0)
    }
}

impl Rewrite {
    /// Reads what is done to paths and queries before anybody looks at them: `path` of `request`,
    /// and `normalise` of its `query`, in the JSON that [`Transform::from_json`] reads.
    ///
    /// # Errors
    ///
    /// As [`Transform::from_json`], of all that is there.
    pub fn from_json(text: &str) -> Result<Self, InvalidTransform> {
        read(text).map(|it| it.1)
    }
}

fn read(json: &str) -> Result<(Transform, Rewrite), InvalidTransform> {
    let mut scanner = Scanner::new(Limits::default());
    let mut nobody = |_: Event<'_>| {};
    let scanned = scanner.push(json.as_bytes(), &mut nobody);
    let scanned = scanned.and_then(|()| scanner.finish(&mut nobody));
    scanned.map_err(|error| InvalidTransform::new(format!("this is not JSON: {error}")))?;
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    let mut fields = Fields::of(json.trim_ascii())?;
    let (request, rewrite) = fields.take("request", request)?.unwrap_or_default();
    let response = fields.take("response", response)?.unwrap_or_default();
    fields.close()?;
    Ok((Transform::new(request, response), rewrite))
}

fn request(raw: &str) -> Result<(RequestTransform, Rewrite), InvalidTransform> {
    let mut fields = Fields::of(raw)?;
    let (mut request, mut rewrite) = (RequestTransform::new(), Rewrite::none());
    if let Some(edits) = fields.take("headers", headers)? {
        request = request.headers(edits)?;
    }
    if let Some((edits, normalisation)) = fields.take("query", query)? {
        request = request.query(edits)?;
        rewrite = rewrite.query(normalisation);
    }
    for path in fields.take("path", paths)?.into_iter().flatten() {
        rewrite = rewrite.path(path);
    }
    if let Some(steps) = fields.take("body", body)? {
        request = request.body(steps)?;
    }
    fields.close()?;
    Ok((request, rewrite))
}

fn response(raw: &str) -> Result<ResponseTransform, InvalidTransform> {
    let mut fields = Fields::of(raw)?;
    let mut response = ResponseTransform::new();
    if let Some(edits) = fields.take("headers", headers)? {
        response = response.headers(edits)?;
    }
    if let Some(steps) = fields.take("body", body)? {
        response = response.body(steps);
    }
    fields.close()?;
    Ok(response)
}

fn paths(raw: &str) -> Result<Vec<PathRewrite>, InvalidTransform> {
    match raw.starts_with('[') {
        true => list(raw, path),
        false => path(raw).map(|it| vec![it]),
    }
}

fn path(raw: &str) -> Result<PathRewrite, InvalidTransform> {
    let mut fields = Fields::of(raw)?;
    let (pattern, to) = (fields.required("pattern", text)?, fields.required("to", text)?);
    fields.close()?;
    PathRewrite::new(&pattern, &to)
}
