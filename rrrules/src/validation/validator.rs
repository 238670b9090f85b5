//! Whether a message has the right shape.

use std::fmt;

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::document::{Document, OpenApi};
use super::invalid_schema::InvalidSchema;
use super::media::Stated;
use super::operation::declared;
use super::schemas::Schemas;
use super::violation::{Invalid, Violations};
use rrcore::json;

/// Whether a message has the right shape: by a JSON Schema for the bodies of requests, or by an
/// OpenAPI document. Compiled once, never changed; share it with an `Arc`.
///
/// ```
/// use http::{HeaderMap, Method};
/// use rrrules::{Invalid, RequestParts, Validator};
/// use serde_json::json;
///
/// let schema = json!({ "required": ["name"], "properties": { "age": { "minimum": 0 } } });
/// let validator = Validator::json_schema(&schema)?;
///
/// let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, "application/json".parse()?)]);
/// let parts = RequestParts { method: &Method::POST, path: "/", query: None, headers: &headers };
/// assert_eq!(validator.check(&parts, Some(br#"{"name": "Ada"}"#)), Ok(()));
///
/// let Err(Invalid::Failed(violations)) = validator.check(&parts, Some(br#"{"age": -1}"#)) else {
///     panic!();
/// };
/// assert_eq!(violations[0].pointer, "/body");
/// assert_eq!(violations[0].detail, "the member \"name\" is missing");
/// assert_eq!(violations[1].pointer, "/body/age");
/// assert_eq!(violations[1].detail, "must be at least 0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Validator {
    policy: Policy,
}

enum Policy {
    Schema(Schemas),
    Document(Box<Document>),
}

/// What of a request is checked besides its body.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The path as the upstream will get it: see [`CanonicalPath`](crate::CanonicalPath).
    pub path: &'a str,
    /// What follows `?`, as it was sent.
    pub query: Option<&'a str>,
    /// All request headers.
    pub headers: &'a HeaderMap,
}

impl Validator {
    /// The bodies of requests must be JSON (`application/json` or `…+json`, in UTF-8) and fit
    /// `schema`: JSON Schema 2020-12, or the draft that its `$schema` names.
    ///
    /// GET, HEAD, DELETE, OPTIONS and TRACE requests may be without a body. Patterns are regular
    /// expressions without look-around and back references, so that they run in linear time.
    /// `format` counts, but for `regex`, `uri-template` and the internationalised ones.
    ///
    /// # Errors
    ///
    /// [`InvalidSchema`] where it is no schema, is larger than 1 MiB, has more than 1,024 patterns
    /// or one that would take more than 1 MiB, or refers to what is not in it: nothing is fetched.
    pub fn json_schema(schema: &Value) -> Result<Self, InvalidSchema> {
        weigh(schema, MAX_SCHEMA)?;
        let schemas = Schemas::compile(schema, str::to_owned)?;
        Ok(Self { policy: Policy::Schema(schemas) })
    }

    /// Requests must be such as the OpenAPI 3.0 or 3.1 `document` describes: see [`OpenApi`].
    ///
    /// # Errors
    ///
    /// As [`Validator::openapi_with`].
    pub fn openapi(document: &Value) -> Result<Self, InvalidSchema> {
        Self::openapi_with(document, OpenApi::new())
    }

    /// Requests must be such as the OpenAPI 3.0 or 3.1 `document` describes, in the way that
    /// `options` say.
    ///
    /// # Errors
    ///
    /// [`InvalidSchema`] where it is no such document, is larger than 8 MiB, has more than 2,000
    /// operations or 1,024 patterns; where it refers to what is not in it; for what is not supported: the styles
    /// `label` and `matrix`, several parameters in one segment of a path, and schemas with `$id`,
    /// anchors or dynamic references.
    pub fn openapi_with(document: &Value, options: OpenApi) -> Result<Self, InvalidSchema> {
        weigh(document, MAX_DOCUMENT)?;
        Ok(Self { policy: Policy::Document(Box::new(options.compile(document)?)) })
    }

    /// Whether the body must be read for [`Validator::check`].
    ///
    /// No where nobody looks into it: its media type is listed without a schema, or is neither
    /// JSON nor a form. No where its headers alone refuse it.
    #[must_use]
    pub fn needs_body(&self, parts: &RequestParts<'_>) -> bool {
        match &self.policy {
            Policy::Schema(_) => match (declared(parts.headers), is_json(parts.headers)) {
                (Some(false), _) | (Some(true), false) => false,
                (None, _) | (Some(true), true) => true,
            },
            Policy::Document(document) => {
                document.needs_body(parts.method, parts.path, parts.headers)
            }
        }
    }

    /// Checks a request. `body` is what follows after its content coding is undone; `None` if it
    /// was not read.
    ///
    /// # Errors
    ///
    /// [`Invalid`] says why it must not pass.
    pub fn check(&self, parts: &RequestParts<'_>, body: Option<&[u8]>) -> Result<(), Invalid> {
        match &self.policy {
            Policy::Schema(schemas) => check_schema(schemas, parts, body),
            Policy::Document(document) => {
                document.check((parts.method, parts.path, parts.query), parts.headers, body)
            }
        }
    }

    /// Checks the response to a request, by status and media type. Its headers are not looked at.
    ///
    /// # Errors
    ///
    /// [`Invalid`] says what is wrong with it.
    pub fn check_response(
        &self,
        parts: &RequestParts<'_>,
        status: StatusCode,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<(), Invalid> {
        match &self.policy {
            Policy::Schema(_) => Ok(()),
            Policy::Document(document) => {
                document.check_response((parts.method, parts.path), status, headers, body)
            }
        }
    }

    pub(super) const fn looks_at_paths(&self) -> bool {
        match self.policy {
            Policy::Schema(_) => false,
            Policy::Document(_) => true,
        }
    }

    /// Whether [`Validator::check_response`] has anything to look at.
    #[must_use]
    pub fn looks_at_responses(&self) -> bool {
        match &self.policy {
            Policy::Schema(_) => false,
            Policy::Document(document) => document.looks_at_responses(),
        }
    }
}

fn check_schema(
    schemas: &Schemas,
    parts: &RequestParts<'_>,
    body: Option<&[u8]>,
) -> Result<(), Invalid> {
    let mut violations = Violations::default();
    let bytes = body.filter(|it| !it.is_empty());
    let is_declared = body.is_none() && declared(parts.headers) == Some(true);
    match bytes {
        Some(_) if !is_json(parts.headers) => return Err(Invalid::MediaType),
        None if is_declared && !is_json(parts.headers) => return Err(Invalid::MediaType),
        Some(bytes) => match json::value(bytes) {
            Ok(value) => schemas.check(None, value, bytes.len(), "/body", &mut violations),
            Err(detail) => violations.add("/body", detail),
        },
        None if is_declared || !may_be_without_body(parts.method) => {
            violations.add("/body", "a body is required");
        }
        None => {}
    }
    violations.into_result()
}

fn is_json(headers: &HeaderMap) -> bool {
    match Stated::of(headers) {
        Stated::Type(media) => media.is_json() && media.is_utf8(),
        Stated::Nothing | Stated::Unclear => false,
    }
}

fn may_be_without_body(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS, Method::TRACE].contains(method)
}

// What compiling may cost follows from the size of what is compiled.
fn weigh(document: &Value, limit: usize) -> Result<(), InvalidSchema> {
    fn weight(value: &Value, depth: usize) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        let parts = match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(|it| weight(it, depth)).sum::<Option<_>>()?,
            Value::Object(members) => {
                let each = members.iter().map(|(name, it)| Some(name.len() + weight(it, depth)?));
                each.sum::<Option<_>>()?
            }
        };
        Some(parts + 2)
    }
    match weight(document, MAX_DEPTH) {
        None => Err(InvalidSchema::new("", format!("is nested deeper than {MAX_DEPTH}"))),
        Some(weight) if weight > limit => {
            Err(InvalidSchema::new("", format!("is larger than {} KiB", limit >> 10)))
        }
        Some(_) => Ok(()),
    }
}

// A schema may hold what its operator would not print.
impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.policy {
            Policy::Schema(_) => "JSON Schema",
            Policy::Document(_) => "OpenAPI",
        };
        f.debug_tuple("Validator").field(&kind).finish()
    }
}

// Requests carry secrets.
impl fmt::Debug for RequestParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestParts").field("method", self.method).finish_non_exhaustive()
    }
}

const MAX_SCHEMA: usize = 1 << 20;
const MAX_DOCUMENT: usize = 8 << 20;
const MAX_DEPTH: usize = 128;
