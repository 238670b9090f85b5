//! What is changed in requests, and in their responses.

use rrcore::Current;

use crate::transform::body::BodyTransform;
use crate::transform::error::InvalidTransform;
use crate::transform::headers::HeaderEdits;
use crate::transform::media::Format;
use crate::transform::names::{check_request, check_response};
use crate::transform::query::QueryEdits;
use crate::transform::template::Template;
use crate::transform::variable::Variable;

/// What is changed in a request: its content, its headers, its query.
#[derive(Clone, Debug)]
pub struct RequestTransform {
    pub(crate) body: BodyTransform,
    pub(crate) headers: HeaderEdits,
    pub(crate) query: QueryEdits,
}

/// What is changed in a response: its content, its headers.
#[derive(Clone, Debug)]
pub struct ResponseTransform {
    pub(crate) body: BodyTransform,
    pub(crate) headers: HeaderEdits,
}

/// What is changed in requests, and in their responses. Variables mean the same in both.
#[derive(Clone, Debug)]
pub struct Transform {
    pub(crate) request: RequestTransform,
    pub(crate) response: ResponseTransform,
    // What has to be known of a request.
    pub(crate) variables: Vec<Variable>,
}

impl RequestTransform {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let (headers, query) = (HeaderEdits::new(), QueryEdits::new());
        Self { body: BodyTransform::none(), headers, query }
    }

    /// Changes headers.
    ///
    /// # Errors
    ///
    /// On headers that say where the message goes or ends, that are the connection's or the
    /// gateway's own (`rr-*`), on `authorization` unless it is removed, and on variables of the
    /// response.
    pub fn headers(mut self, edits: HeaderEdits) -> Result<Self, InvalidTransform> {
        let checked = check_request(&edits).and_then(|()| of_the_request(edits.templates()));
        checked.map_err(|it| it.within("headers"))?;
        self.headers = edits;
        Ok(self)
    }

    /// Changes the query.
    ///
    /// # Errors
    ///
    /// On variables of the response.
    pub fn query(mut self, edits: QueryEdits) -> Result<Self, InvalidTransform> {
        of_the_request(edits.templates()).map_err(|it| it.within("query"))?;
        self.query = edits;
        Ok(self)
    }

    /// Changes the content.
    ///
    /// # Errors
    ///
    /// On variables of the response, and on XML.
    pub fn body(mut self, body: BodyTransform) -> Result<Self, InvalidTransform> {
        let late = body.variables().find(|it| it.1.is_of_the_response());
        let wrong = match late {
            Some((step, _)) => Some((step, OF_THE_RESPONSE)),
            None => (body.reads() == Format::Xml).then_some((0, "XML is read in responses only")),
        };
        if let Some((step, why)) = wrong {
            return Err(InvalidTransform::new(why).within(&step.to_string()).within("body"));
        }
        self.body = body;
        Ok(self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty() && self.headers.is_empty() && self.query.is_empty()
    }
}

impl ResponseTransform {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { body: BodyTransform::none(), headers: HeaderEdits::new() }
    }

    /// Changes headers, whatever the status. Refusals of the stages behind the layer keep theirs.
    ///
    /// # Errors
    ///
    /// On headers that say where the message ends, or that are the connection's or the gateway's
    /// own (`rr-*`).
    pub fn headers(mut self, edits: HeaderEdits) -> Result<Self, InvalidTransform> {
        check_response(&edits).map_err(|it| it.within("headers"))?;
        self.headers = edits;
        Ok(self)
    }

    /// Changes the content of responses with status 2xx that are declared as what the first step
    /// reads. Others pass as they are.
    #[must_use]
    pub fn body(mut self, body: BodyTransform) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty() && self.headers.is_empty()
    }
}

impl Transform {
    /// Changes requests and responses.
    #[must_use]
    pub fn new(request: RequestTransform, response: ResponseTransform) -> Self {
        let templates = request.headers.templates().chain(request.query.templates());
        let templates = templates.chain(response.headers.templates()).map(|it| it.2);
        let in_heads = templates.flat_map(Template::variables);
        let in_bodies = request.body.variables().chain(response.body.variables());
        let mut variables: Vec<Variable> = Vec::new();
        for (_, variable) in in_heads.chain(in_bodies) {
            if !variables.contains(variable) {
                variables.push(variable.clone());
            }
        }
        Self { request, response, variables }
    }

    /// Changes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::new(RequestTransform::new(), ResponseTransform::new())
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }

    pub(crate) fn changes_responses(&self) -> bool {
        !self.response.is_empty()
    }

    /// Whether it may read the bodies of requests.
    #[must_use]
    pub const fn reads_requests(&self) -> bool {
        !self.request.body.is_empty()
    }

    /// Whether it may hold back responses until they are whole.
    #[must_use]
    pub const fn reads_responses(&self) -> bool {
        !self.response.body.is_empty()
    }
}

fn of_the_request<'a>(
    templates: impl Iterator<Item = (&'static str, &'a str, &'a Template)>,
) -> Result<(), InvalidTransform> {
    for (part, name, template) in templates {
        if let Some((at, _)) = template.variables().find(|it| it.1.is_of_the_response()) {
            let error = InvalidTransform::new(OF_THE_RESPONSE).at(at);
            return Err(error.within(name).within(part));
        }
    }
    Ok(())
}

impl Default for RequestTransform {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for ResponseTransform {
    fn default() -> Self {
        Self::new()
    }
}

impl From<RequestTransform> for Transform {
    fn from(request: RequestTransform) -> Self {
        Self::new(request, ResponseTransform::new())
    }
}

impl From<ResponseTransform> for Transform {
    fn from(response: ResponseTransform) -> Self {
        Self::new(RequestTransform::new(), response)
    }
}

impl From<RequestTransform> for Current<Transform> {
    fn from(request: RequestTransform) -> Self {
        Transform::from(request).into()
    }
}

impl From<ResponseTransform> for Current<Transform> {
    fn from(response: ResponseTransform) -> Self {
        Transform::from(response).into()
    }
}

const OF_THE_RESPONSE: &str = "there is no response yet";
