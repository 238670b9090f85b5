//! What kind of request a JSON document is: one call or several, with GraphQL in them or not.

use rrcore::json::{Event, Sink};

use super::asked::unescaped;
use super::not_inspectable::NotInspectable;
use super::walk::scan;

/// A document as calls.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The object at the root, or the elements of the array there, up to [`MAX_CALLS`].
    pub(super) requests: Vec<Request>,
    /// How many elements there are, if it is an array.
    pub(super) elements: Option<usize>,
    /// One of the elements is a call of JSON-RPC.
    pub(super) has_rpc: bool,
    /// One of the requests has GraphQL in it.
    pub(super) has_graphql: bool,
    /// One of the requests names GraphQL that only the server knows.
    pub(super) has_persisted: bool,
}

/// What matters of an object that may be a request.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The GraphQL in it.
    pub(super) query: Option<String>,
    pub(super) operation_name: Option<String>,
    is_rpc: bool,
    names_document: bool,
    has_text_id: bool,
}

impl Outline {
    pub(super) fn of(json: &[u8]) -> Result<Self, NotInspectable> {
        let mut reader = Reader::default();
        scan(json, &mut reader)?;
        reader.fault.map_or(Ok(reader.outline), Err)
    }
}

impl Request {
    // The forms of Relay, Apollo (APQ), and the GraphQL-over-HTTP working group. A JSON-RPC call
    // has an `id`, too.
    const fn names_persisted(&self) -> bool {
        self.query.is_none() && (self.names_document || self.has_text_id && !self.is_rpc)
    }
}

#[derive(Debug, Default)]
struct Reader {
    outline: Outline,
    request: Request,
    depth: usize,
    member: Member,
    fault: Option<NotInspectable>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Member {
    Query,
    OperationName,
    Id,
    Extensions,
    #[default]
    Other,
}

impl Sink for Reader {
    fn event(&mut self, event: Event<'_>, _: usize) {
        match event {
            Event::Space(_) | Event::Comma | Event::Colon => {}
            Event::Key { name, .. } => self.key(name),
            Event::BeginObject => self.begin(false),
            Event::BeginArray => self.begin(true),
            Event::EndObject | Event::EndArray => {
                self.depth -= 1;
                self.end_value();
            }
            Event::Scalar { raw, last } => {
                if let Err(fault) = self.scalar(raw) {
                    self.fault.get_or_insert(fault);
                }
                if last {
                    self.end_value();
                }
            }
        }
    }
}

impl Reader {
    fn begin(&mut self, is_array: bool) {
        if self.depth == 0 && is_array {
            self.outline.elements = Some(0);
        }
        self.depth += 1;
    }

    fn key(&mut self, name: &[u8]) {
        if self.depth == self.request_depth() {
            self.member = match name {
                b"query" => Member::Query,
                b"operationName" => Member::OperationName,
                b"id" => Member::Id,
                b"extensions" => Member::Extensions,
                _ => Member::Other,
            };
            self.request.is_rpc |= name == b"jsonrpc";
            self.request.names_document |= matches!(name, b"documentId" | b"doc_id");
        } else if self.depth == self.request_depth() + 1 {
            let extends = matches!(self.member, Member::Extensions);
            self.request.names_document |= extends && name == b"persistedQuery";
        }
    }

    fn scalar(&mut self, raw: &[u8]) -> Result<(), NotInspectable> {
        if self.depth != self.request_depth() || !raw.starts_with(b"\"") {
            return Ok(());
        }
        match self.member {
            Member::Query => self.request.query = Some(unescaped(raw)?.into_owned()),
            Member::OperationName => {
                self.request.operation_name = Some(unescaped(raw)?.into_owned());
            }
            Member::Id => self.request.has_text_id = true,
            Member::Extensions | Member::Other => {}
        }
        Ok(())
    }

    fn end_value(&mut self) {
        if self.depth != self.request_depth() - 1 {
            return;
        }
        let Self { outline, request, .. } = self;
        let request = std::mem::take(request);
        self.member = Member::Other;
        outline.has_rpc |= request.is_rpc && outline.elements.is_some();
        outline.has_graphql |= request.query.is_some();
        outline.has_persisted |= request.names_persisted();
        outline.elements = outline.elements.map(|it| it + 1);
        // Whether they are calls shows at the end; then, more of them are too many.
        if outline.requests.len() < MAX_CALLS {
            outline.requests.push(request);
        }
    }

    // How many containers are open in a request, not counting those in it.
    fn request_depth(&self) -> usize {
        if self.outline.elements.is_some() { 2 } else { 1 }
    }
}

/// How many calls there may be in one document.
pub(super) const MAX_CALLS: usize = 1_000;
