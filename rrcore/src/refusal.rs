//! How a request is refused: a problem document (RFC 9457), never an `Err`.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use crate::code::{Code, Stage};
use crate::request_id::RequestId;

/// Why a request is not served, ready to become a response.
///
/// The caller sees code, status, title, `detail` and members. [`Refusal::because`] is for the
/// operator only: it is never rendered. The refusal rides in the response's extensions, so that
/// an outer layer can record it or render it anew.
#[derive(Clone, Debug)]
#[must_use]
pub struct Refusal {
    code: Code,
    status: StatusCode,
    stage: Stage,
    // Boxed, so that a refusal stays small on the path where nothing is refused.
    extra: Option<Box<Extra>>,
}

#[derive(Clone, Debug, Default)]
struct Extra {
    detail: Option<String>,
    reason: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    members: Map<String, Value>,
}

impl Refusal {
    /// A refusal as the catalogue describes it.
    pub const fn new(code: Code) -> Self {
        Self { code, status: code.status(), stage: code.stage(), extra: None }
    }

    /// Says which stage refused, where that is not the catalogue's.
    pub const fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// Answers with another status, where a policy says so (`ruleDenyStatus`).
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Tells the caller more. Never put a secret, an upstream address or library text here.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.extra.get_or_insert_default().detail = Some(detail.into());
        self
    }

    /// Tells the operator more: recorded, never rendered.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.extra.get_or_insert_default().reason = Some(reason.into());
        self
    }

    /// Adds a response header, such as `Retry-After`.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.extra.get_or_insert_default().headers.push((name, value));
        self
    }

    /// Adds a member of this code's own to the problem document, such as `rule`.
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.get_or_insert_default().members.insert(name.to_owned(), value.into());
        self
    }

    /// The machine-readable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The status the caller sees.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stage that refused.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// What only the operator should read.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.extra.as_ref()?.reason.as_deref()
    }

    /// The member `name` of the problem document, if the stage added one.
    #[must_use]
    pub fn get_member(&self, name: &str) -> Option<&Value> {
        self.extra.as_ref()?.members.get(name)
    }

    /// What the caller is told besides the title, if the stage added something.
    #[must_use]
    pub fn get_detail(&self) -> Option<&str> {
        self.extra.as_ref()?.detail.as_deref()
    }

    /// The members that the stage added to the problem document, with their names.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        let members = self.extra.as_ref().map(|it| &it.members);
        members.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    /// Renders `application/problem+json`, and leaves the refusal in the response's extensions.
    #[must_use]
    pub fn into_response(self, id: &RequestId) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.document(id)));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        // A refusal belongs to this caller at this moment.
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        for (name, value) in self.extra.iter().flat_map(|it| &it.headers) {
            response.headers_mut().append(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }

    fn document(&self, id: &RequestId) -> String {
        let mut document = Map::new();
        let code = self.code.as_str();
        let kind = match self.code {
            Code::QuotaExceeded => QUOTA_EXCEEDED_TYPE.to_owned(),
            _ => format!("urn:rr:problem:{code}"),
        };
        document.insert("type".to_owned(), kind.into());
        document.insert("title".to_owned(), self.code.title().into());
        document.insert("status".to_owned(), self.status.as_u16().into());
        document.insert("code".to_owned(), code.into());
        document.insert("stage".to_owned(), self.stage.as_str().into());
        document.insert("requestId".to_owned(), id.as_str().into());
        if let Some(extra) = &self.extra {
            if let Some(detail) = &extra.detail {
                document.insert("detail".to_owned(), detail.as_str().into());
            }
            document.extend(extra.members.clone());
        }
        Value::Object(document).to_string()
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
// draft-ietf-httpapi-ratelimit-headers registers this type for exactly this case.
const QUOTA_EXCEEDED_TYPE: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_operators_reason_never_reaches_the_caller() {
        let id = RequestId::new(Duration::from_secs(1));
        let refusal = Refusal::new(Code::RuleDenied)
            .because("10.0.0.7 said no")
            .member("rule", serde_json::json!({"id": "rul_1"}));
        assert_eq!(refusal.reason(), Some("10.0.0.7 said no"));
        assert_eq!(refusal.get_detail(), None);
        assert_eq!(refusal.members().map(|(name, _)| name).collect::<Vec<_>>(), ["rule"]);

        let response = refusal.into_response(&id);
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:rr:problem:rule-denied", "title": "A rule denies this request",
                "status": 400, "code": "rule-denied", "stage": "rules",
                "requestId": id.as_str(), "rule": {"id": "rul_1"},
            })
        );
        assert_eq!(response.extensions().get::<Refusal>().unwrap().code(), Code::RuleDenied);
    }
}
