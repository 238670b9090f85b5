//! A body as calls: the elements of a batch, the operations of GraphQL, or the one that it is.

use super::asked::{Asked, Said, Weight};
use super::form;
#[cfg(feature = "graphql")]
use super::graphql::operations;
use super::inspection::{Findings, Inspection};
use super::not_inspectable::NotInspectable;
use super::operation::Operation;
use super::outline::{MAX_CALLS, Outline, Request};
use super::walk;
use crate::query::Query;

/// The calls that a body makes.
#[derive(Debug)]
pub(super) struct Calls {
    calls: Vec<Call>,
    // Of a batch: what was found in it as one document.
    whole: Option<Findings>,
}

#[derive(Debug)]
struct Call {
    findings: Findings,
    graphql: GraphQl,
}

/// The GraphQL that comes with a call.
#[derive(Debug, Default)]
struct GraphQl {
    documents: Vec<String>,
    // What the caller says is the operation that it wants.
    names: Vec<String>,
    persisted: Persisted,
}

/// Whether a call names GraphQL that only the server knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Persisted {
    #[default]
    No,
    // By a name that other things have, too.
    UnlessThereIsOther,
    Yes,
}

impl Calls {
    /// No body.
    pub(super) fn empty(asked: &Asked<'_>) -> Self {
        Self::one(asked.nothing(), GraphQl::default())
    }

    pub(super) fn of_json(asked: &Asked<'_>, json: &[u8]) -> Result<Self, NotInspectable> {
        let wants_graphql = asked.wants_graphql();
        if !wants_graphql && !may_be_batch(json) {
            return Ok(Self::one(walk::whole(asked, json)?, GraphQl::default()));
        }
        let mut outline = Outline::of(json)?;
        if wants_graphql && outline.has_persisted {
            return Err(PERSISTED);
        }
        let whole = walk::whole(asked, json)?;
        let is_batch = outline.has_rpc || wants_graphql && outline.has_graphql;
        match outline.elements {
            Some(elements) if is_batch && elements > MAX_CALLS => Err(TOO_MANY),
            Some(_) if is_batch => {
                let elements = walk::elements(asked, json)?.into_iter().zip(outline.requests);
                let call = |(findings, it)| Call { findings, graphql: GraphQl::of_request(it) };
                Ok(Self { calls: elements.map(call).collect(), whole: Some(whole) })
            }
            Some(_) => Ok(Self::one(whole, GraphQl::default())),
            None => {
                let request = outline.requests.pop().unwrap_or_default();
                Ok(Self::one(whole, GraphQl::of_request(request)))
            }
        }
    }

    pub(super) fn of_form(asked: &Asked<'_>, form: &[u8]) -> Result<Self, NotInspectable> {
        let read = form::read(form)?;
        let findings = form::judge(asked, &read, form.len())?;
        let wants_graphql = asked.wants_graphql();
        let graphql = if wants_graphql { GraphQl::of_query(&read) } else { GraphQl::default() };
        Ok(Self::one(findings, graphql))
    }

    pub(super) fn of_graphql(asked: &Asked<'_>, text: &[u8]) -> Result<Self, NotInspectable> {
        let text = std::str::from_utf8(text).map_err(|_| NotInspectable("not UTF-8"))?;
        // Also where no check asks for it: what is no document may be something else to a server.
        operations(text)?;
        let graphql = GraphQl { documents: vec![text.to_owned()], ..GraphQl::default() };
        Ok(Self::one(asked.nothing(), graphql))
    }

    fn one(findings: Findings, graphql: GraphQl) -> Self {
        Self { calls: vec![Call { findings, graphql }], whole: None }
    }

    /// With each operation of the GraphQL in it and in the URL as a call of its own: which of them
    /// a server takes is not ours to guess.
    pub(super) fn with_graphql(
        self,
        asked: &Asked<'_>,
        query: Option<&str>,
    ) -> Result<Self, NotInspectable> {
        let url = Query::parse(query.unwrap_or_default());
        let url = url.map_err(|_| NotInspectable("a query with a malformed escape"))?;
        let url = GraphQl::of_query(&url);
        self.refuse_persisted(&url)?;
        let mut calls = Vec::new();
        for Call { findings, graphql } in &self.calls {
            let names: Vec<_> = graphql.names.iter().chain(&url.names).collect();
            // GraphQL in the URL comes with a body that is one call, and beside one that is a batch.
            let has_url = self.whole.is_none() && !url.documents.is_empty();
            if !graphql.documents.is_empty() || !has_url {
                expand(asked, findings, &graphql.documents, &names, &mut calls)?;
            }
            if has_url {
                expand(asked, findings, &url.documents, &names, &mut calls)?;
            }
        }
        if self.whole.is_some() && !url.documents.is_empty() {
            let names: Vec<_> = url.names.iter().collect();
            expand(asked, &asked.nothing(), &url.documents, &names, &mut calls)?;
        }
        Ok(Self { calls, whole: self.whole })
    }

    pub(super) fn inspection(self, asked: &Asked<'_>) -> Inspection {
        let calls = self.calls.into_iter().map(|it| it.findings).collect();
        Inspection::new(asked.presences(), calls, self.whole)
    }

    fn refuse_persisted(&self, url: &GraphQl) -> Result<(), NotInspectable> {
        let mut all = self.calls.iter().map(|it| &it.graphql).chain([url]);
        let has_any = all.clone().any(|it| !it.documents.is_empty());
        let is_unknown = all.any(|it| match it.persisted {
            Persisted::No => false,
            Persisted::UnlessThereIsOther => !has_any,
            Persisted::Yes => true,
        });
        if is_unknown { Err(PERSISTED) } else { Ok(()) }
    }
}

impl GraphQl {
    fn of_request(request: Request) -> Self {
        let documents = request.query.into_iter().collect();
        let names = request.operation_name.into_iter().collect();
        Self { documents, names, persisted: Persisted::No }
    }

    // What is in a form or a URL.
    fn of_query(query: &Query<'_>) -> Self {
        let values = |name| form::values(query, name);
        let texts = |name| values(name).into_iter().map(str::to_owned).collect();
        let documents: Vec<String> = texts("query");
        // Written with escapes, it is JSON that names it otherwise.
        let extends = |it: &&str| it.contains("persistedQuery") || it.contains('\\');
        let names_document = values("extensions").iter().any(extends)
            || !values("documentId").is_empty()
            || !values("doc_id").is_empty();
        let persisted = if documents.is_empty() && names_document {
            Persisted::Yes
        } else if documents.is_empty() && !values("id").is_empty() {
            Persisted::UnlessThereIsOther
        } else {
            Persisted::No
        };
        Self { documents, names: texts("operationName"), persisted }
    }
}

// To each operation its call; without any, the call as it is.
fn expand(
    asked: &Asked<'_>,
    findings: &Findings,
    documents: &[String],
    names: &[&String],
    calls: &mut Vec<Call>,
) -> Result<(), NotInspectable> {
    let mut operations_of = Vec::new();
    for document in documents {
        operations_of.extend(operations(document)?);
    }
    if names.len() > MAX_NAMES {
        return Err(NotInspectable("GraphQL with many operation names"));
    }
    let each = operations_of.iter().map(|it| of_operation(asked, findings, it, names));
    let mut found: Vec<_> = each.collect::<Result<_, _>>()?;
    if documents.is_empty() {
        found.push(findings.clone());
    }
    let call = |findings| Call { findings, graphql: GraphQl::default() };
    calls.extend(found.into_iter().map(call));
    if calls.len() > MAX_CALLS { Err(TOO_MANY) } else { Ok(()) }
}

// What is found in a call, and in the operation that it makes.
fn of_operation(
    asked: &Asked<'_>,
    findings: &Findings,
    operation: &Operation,
    names: &[&String],
) -> Result<Findings, NotInspectable> {
    let mut judge = asked.judge(0);
    judge.findings = findings.clone();
    let mut look = |path: &str, said, sure| {
        judge.place.restart();
        judge.place.follow(path.as_bytes());
        judge.look(said, Weight::Virtual { sure });
    };
    look("graphql", Said::Nothing, true);
    look("graphql.operationType", Said::Text(operation.kind), true);
    if let Some(name) = &operation.name {
        look("graphql.operationName", Said::Text(name), true);
    }
    for name in names {
        look("graphql.operationName", Said::Text(name), false);
    }
    look("graphql.fields", Said::Nothing, true);
    for (index, field) in operation.fields.iter().enumerate() {
        look(&format!("graphql.fields.{index}"), Said::Text(&field.name), field.sure);
    }
    judge.take()
}

// Whether a closer look is needed: only an array that names `jsonrpc` somewhere, and if by escapes.
fn may_be_batch(json: &[u8]) -> bool {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let is_array = json.trim_ascii_start().starts_with(b"[");
    // What is not UTF-8 is not JSON either.
    is_array
        && std::str::from_utf8(json).is_ok_and(|it| it.contains("jsonrpc") || it.contains(r"\u"))
}

#[cfg(not(feature = "graphql"))]
fn operations(_: &str) -> Result<Vec<Operation>, NotInspectable> {
    Err(NotInspectable("GraphQL is not supported by this build"))
}

const TOO_MANY: NotInspectable = NotInspectable("more calls than 1,000");
const PERSISTED: NotInspectable = NotInspectable("GraphQL that only the server knows");
const MAX_NAMES: usize = 8;
