//! One operation of an OpenAPI document: its parameters, its body, its responses.

use http::{HeaderMap, StatusCode};

use super::content::Content;
use super::invalid_schema::InvalidSchema;
use super::media::Stated;
use super::node::Node;
use super::parameter::Parameter;
use super::place::{Place, Sent};
use super::schemas::Schemas;
use super::translate::Translator;
use super::violation::{Invalid, Violations, failed};

/// One operation.
pub(super) struct Operation {
    parameters: Vec<Parameter>,
    /// `None`: it has no body.
    body: Option<RequestBody>,
}

struct RequestBody {
    required: bool,
    content: Content,
}

/// What an operation answers, by status.
pub(super) struct Responses {
    by_status: Vec<(Statuses, Content)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statuses {
    One(u16),
    /// All that begin with this digit.
    Class(u16),
    Any,
}

type Compiled<T> = Result<T, InvalidSchema>;

impl Operation {
    /// Of an operation object; `shared` are the parameters of its path.
    pub(super) fn compile<'a>(
        node: &Node<'a>,
        shared: Option<&Node<'a>>,
        translator: &mut Translator<'a>,
    ) -> Compiled<Self> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let own = node.get("parameters")?;
        for list in shared.into_iter().chain(&own) {
            for parameter in list.items()? {
                let parameter = parameter.resolved(translator.document())?;
                let Some(compiled) = Parameter::compile(&parameter, translator)? else { continue };
                // An operation's own parameter replaces its path's.
                parameters.retain(|it| (it.place, &it.name) != (compiled.place, &compiled.name));
                parameters.push(compiled);
            }
        }
        let body = node.get("requestBody")?.map(|it| it.resolved(translator.document()));
        let body = body.transpose()?.map(|it| RequestBody::compile(&it, translator));
        Ok(Self { parameters, body: body.transpose()? })
    }

    /// The names of its parameters in the path.
    pub(super) fn path_parameters(&self) -> impl Iterator<Item = &str> {
        let in_path = self.parameters.iter().filter(|it| it.place == Place::Path);
        in_path.map(|it| it.name.as_str())
    }

    pub(super) fn needs_body(&self, headers: &HeaderMap) -> bool {
        let Some(body) = &self.body else {
            // One that has none must not get one, and only reading may tell.
            return declared(headers).is_none();
        };
        match Stated::of(headers) {
            Stated::Type(media) => match body.content.find(&media) {
                Some(listed) => listed.looks_into(&media),
                None => declared(headers).is_none(),
            },
            Stated::Nothing | Stated::Unclear => declared(headers).is_none(),
        }
    }

    pub(super) fn check(
        &self,
        sent: &Sent<'_>,
        body: Option<&[u8]>,
        schemas: &Schemas,
    ) -> Result<(), Invalid> {
        let mut violations = Violations::default();
        if sent.is_query_malformed && self.parameters.iter().any(|it| it.place == Place::Query) {
            violations.add(Place::Query.pointer(), "has a malformed escape");
        }
        self.parameters.iter().for_each(|it| it.check(sent, schemas, &mut violations));
        self.check_body(sent.headers, body, schemas, &mut violations)?;
        violations.into_result()
    }

    fn check_body(
        &self,
        headers: &HeaderMap,
        body: Option<&[u8]>,
        schemas: &Schemas,
        violations: &mut Violations,
    ) -> Result<(), Invalid> {
        let bytes = body.filter(|it| !it.is_empty());
        let is_there = bytes.is_some() || body.is_none() && declared(headers) == Some(true);
        let Some(rule) = &self.body else {
            return if is_there { Err(Invalid::MediaType) } else { Ok(()) };
        };
        let stated = Stated::of(headers);
        let media = match &stated {
            Stated::Type(media) => Some(media),
            Stated::Nothing | Stated::Unclear => None,
        };
        let listed = media.and_then(|it| Some((it, rule.content.find(it)?)));
        match (listed, bytes) {
            (None, _) if is_there => return Err(Invalid::MediaType),
            (Some((media, listed)), _) if is_there && !may_be_read(media, listed) => {
                return Err(Invalid::MediaType);
            }
            (Some((media, listed)), Some(bytes)) => {
                listed.check(media, bytes, schemas, violations);
            }
            // It was not read because nobody looks into it.
            (Some((media, listed)), None)
                if body.is_none()
                    && !listed.looks_into(media)
                    && declared(headers) != Some(false) => {}
            (None | Some(_), _) if rule.required || is_there => {
                violations.add("/body", "a body is required");
            }
            (None | Some(_), _) => {}
        }
        Ok(())
    }
}

impl RequestBody {
    fn compile<'a>(node: &Node<'a>, translator: &mut Translator<'a>) -> Compiled<Self> {
        let content = Content::compile(&node.need("content")?, translator)?;
        Ok(Self { required: node.flag("required", false)?, content })
    }
}

impl Responses {
    /// Of a `responses` object.
    pub(super) fn compile<'a>(node: &Node<'a>, translator: &mut Translator<'a>) -> Compiled<Self> {
        let mut by_status = Vec::new();
        for (name, response) in node.members()? {
            let statuses = Statuses::parse(name).ok_or_else(|| {
                response.error("must be a status, a class such as 4XX, or default")
            })?;
            let response = response.resolved(translator.document())?;
            let content = match response.get("content")? {
                Some(content) => Content::compile(&content, translator)?,
                None => Content::none(),
            };
            by_status.push((statuses, content));
        }
        Ok(Self { by_status })
    }

    pub(super) fn check(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: Option<&[u8]>,
        schemas: &Schemas,
    ) -> Result<(), Invalid> {
        let Some(content) = self.find(status) else {
            return Err(failed("/status", "the document has no such status"));
        };
        // A response that lists nothing says nothing about its body.
        let Some(bytes) = body.filter(|it| !it.is_empty() && !content.is_empty()) else {
            return Ok(());
        };
        let Stated::Type(media) = Stated::of(headers) else { return Err(Invalid::MediaType) };
        let listed = content.find(&media).filter(|it| may_be_read(&media, it));
        let listed = listed.ok_or(Invalid::MediaType)?;
        let mut violations = Violations::default();
        listed.check(&media, bytes, schemas, &mut violations);
        violations.into_result()
    }

    fn find(&self, status: StatusCode) -> Option<&Content> {
        let fitting =
            self.by_status.iter().filter_map(|(it, content)| Some((it.fit(status)?, content)));
        fitting.max_by_key(|(fit, _)| *fit).map(|(_, content)| content)
    }
}

impl Statuses {
    fn parse(name: &str) -> Option<Self> {
        if name == "default" {
            return Some(Self::Any);
        }
        match *name.as_bytes() {
            [class @ b'1'..=b'5', b'X' | b'x', b'X' | b'x'] => {
                Some(Self::Class(u16::from(class - b'0')))
            }
            [b'1'..=b'9', _, _] => name.parse().ok().map(Self::One),
            _ => None,
        }
    }

    fn fit(self, status: StatusCode) -> Option<u8> {
        match self {
            Self::One(one) => (one == status.as_u16()).then_some(2),
            Self::Class(class) => (class == status.as_u16() / 100).then_some(1),
            Self::Any => Some(0),
        }
    }
}

fn may_be_read(media: &super::media::MediaType, listed: &super::content::Listed) -> bool {
    !listed.looks_into(media) || media.is_utf8()
}

/// Whether headers say that there is a body; `None` where they do not tell.
pub(super) fn declared(headers: &HeaderMap) -> Option<bool> {
    if headers.contains_key(http::header::TRANSFER_ENCODING) {
        return Some(true);
    }
    let length = headers.get(http::header::CONTENT_LENGTH)?;
    Some(length.as_bytes() != b"0")
}
