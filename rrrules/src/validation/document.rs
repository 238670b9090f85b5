//! An OpenAPI document: which operation a request means.

use std::collections::HashMap;

use http::{HeaderMap, Method, StatusCode};
use matchit::Router;
use serde_json::Value;

use super::invalid_schema::InvalidSchema;
use super::node::Node;
use super::operation::{Operation, Responses};
use super::place::Sent;
use super::schemas::Schemas;
use super::translate::{Dialect, Direction, Translator, is_newest};
use super::violation::{Invalid, failed};
use crate::path::CanonicalPath;

/// How an OpenAPI document is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct OpenApi {
    pass_unlisted: bool,
    responses: bool,
}

/// A compiled OpenAPI document.
pub(super) struct Document {
    paths: Router<HashMap<Method, Entry>>,
    requests: Schemas,
    responses: Option<Schemas>,
    pass_unlisted: bool,
}

struct Entry {
    operation: Operation,
    responses: Option<Responses>,
}

type Compiled<T> = Result<T, InvalidSchema>;

impl OpenApi {
    /// Refuses what the document does not list, and looks at requests only.
    pub const fn new() -> Self {
        Self { pass_unlisted: false, responses: false }
    }

    /// Lets requests pass whose path or method the document does not list.
    pub const fn pass_unlisted(mut self) -> Self {
        self.pass_unlisted = true;
        self
    }

    /// Compiles what the document says about responses, too.
    pub const fn responses(mut self) -> Self {
        self.responses = true;
        self
    }

    pub(super) fn compile(self, document: &Value) -> Compiled<Document> {
        let root = Node::root(document);
        let dialect = dialect(&root)?;
        let mut requests = Translator::new(document, dialect, Direction::Request);
        let mut responses =
            self.responses.then(|| Translator::new(document, dialect, Direction::Response));
        let mut paths = Router::new();
        let mut count = 0;
        for (template, item) in root.need("paths")?.members()? {
            let route = route(&item, template)?;
            let entries = entries(item.clone(), template, &mut requests, responses.as_mut())?;
            count += entries.len();
            if count > MAX_OPERATIONS {
                return Err(item.error(format!("there are more than {MAX_OPERATIONS} operations")));
            }
            paths.insert(route, entries).map_err(|error| item.error(phrase(&error)))?;
        }
        Ok(Document {
            paths,
            requests: requests.finish()?,
            responses: responses.map(Translator::finish).transpose()?,
            pass_unlisted: self.pass_unlisted,
        })
    }
}

impl Document {
    pub(super) fn needs_body(&self, method: &Method, path: &str, headers: &HeaderMap) -> bool {
        let found = self.find(method, path);
        found.is_ok_and(|it| it.is_some_and(|(it, _)| it.operation.needs_body(headers)))
    }

    pub(super) fn check(
        &self,
        (method, path, query): (&Method, &str, Option<&str>),
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<(), Invalid> {
        let Some((entry, values)) = self.find(method, path)? else { return Ok(()) };
        let sent = Sent::of(values, query, headers);
        entry.operation.check(&sent, body, &self.requests)
    }

    pub(super) fn check_response(
        &self,
        (method, path): (&Method, &str),
        status: StatusCode,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<(), Invalid> {
        let found = self.find(method, path)?.and_then(|(it, _)| it.responses.as_ref());
        let (Some(responses), Some(schemas)) = (found, &self.responses) else { return Ok(()) };
        responses.check(status, headers, body, schemas)
    }

    pub(super) const fn looks_at_responses(&self) -> bool {
        self.responses.is_some()
    }

    // `None` for what is not listed and may pass.
    #[expect(clippy::type_complexity, reason = "named, it would say no more")]
    fn find<'a>(
        &'a self,
        method: &Method,
        path: &'a str,
    ) -> Result<Option<(&'a Entry, Vec<(&'a str, &'a str)>)>, Invalid> {
        let Ok(found) = self.paths.at(path) else {
            return self.unlisted("/path", "the document has no such path");
        };
        // RFC 9110 §9.3.2: HEAD asks for what GET would answer.
        let entry = found.value.get(method).or_else(|| match *method {
            Method::HEAD => found.value.get(&Method::GET),
            _ => None,
        });
        match entry {
            Some(entry) => Ok(Some((entry, found.params.iter().collect()))),
            None => self.unlisted("/method", "the document has no such method for this path"),
        }
    }

    fn unlisted<T>(&self, pointer: &str, detail: &str) -> Result<Option<T>, Invalid> {
        match self.pass_unlisted {
            true => Ok(None),
            false => Err(failed(pointer, detail)),
        }
    }
}

fn dialect(root: &Node<'_>) -> Compiled<Dialect> {
    let version = root.need("openapi")?;
    if let Some(named) = root.get("jsonSchemaDialect")? {
        if !is_newest(named.text()?) {
            return Err(named.error("only JSON Schema 2020-12 is supported here"));
        }
    }
    match version.text()? {
        it if it.starts_with("3.0.") => Ok(Dialect::Old),
        it if it.starts_with("3.1.") => Ok(Dialect::New),
        _ => Err(version.error("must be 3.0 or 3.1")),
    }
}

fn entries<'a>(
    item: Node<'a>,
    template: &str,
    requests: &mut Translator<'a>,
    mut responses: Option<&mut Translator<'a>>,
) -> Compiled<HashMap<Method, Entry>> {
    let item = item.resolved(requests.document())?;
    let shared = item.get("parameters")?;
    let mut entries = HashMap::new();
    for (name, method) in METHODS {
        let Some(node) = item.get(name)? else { continue };
        let operation = Operation::compile(&node, shared.as_ref(), requests)?;
        if let Some(name) = operation.path_parameters().find(|it| !has(template, it)) {
            return Err(node.error(format!("the path has no place for the parameter {name:?}")));
        }
        let responses = match (responses.as_deref_mut(), node.get("responses")?) {
            (Some(translator), Some(node)) => Some(Responses::compile(&node, translator)?),
            _ => None,
        };
        entries.insert(method, Entry { operation, responses });
    }
    Ok(entries)
}

fn has(template: &str, name: &str) -> bool {
    template.split('{').filter_map(|it| it.split_once('}')).any(|(it, _)| it == name)
}

// A path template as the router writes it: what is fixed in it as canonical as requests' paths.
fn route(item: &Node<'_>, template: &str) -> Compiled<String> {
    let Some(rest) = template.strip_prefix('/') else {
        return Err(item.error("a path must start with a slash"));
    };
    let mut route = String::with_capacity(template.len());
    for segment in rest.split('/') {
        route.push('/');
        if segment.contains("{*") || segment.contains("{{") || segment.contains("}}") {
            return Err(item.error("a parameter's name must not begin like this"));
        }
        if segment.contains('{') || segment.is_empty() {
            route.push_str(segment);
            continue;
        }
        let fixed = CanonicalPath::parse(&format!("/{segment}")).map_err(|error| {
            item.error(format!("the path is none that a request can have: {error}"))
        })?;
        route.push_str(fixed.as_str().trim_start_matches('/'));
    }
    Ok(route)
}

fn phrase(error: &matchit::InsertError) -> String {
    match error {
        matchit::InsertError::Conflict { .. } => "another path fits the same requests".to_owned(),
        matchit::InsertError::InvalidParamSegment => {
            "a segment may have one parameter, at its start or its end".to_owned()
        }
        _ => "is no path template".to_owned(),
    }
}

const METHODS: [(&str, Method); 8] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
    ("trace", Method::TRACE),
];
const MAX_OPERATIONS: usize = 2_000;
