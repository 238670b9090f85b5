//! What shape a proxy's requests must have.

use rrrules::{InvalidSchema, OpenApi, Validator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control_plane::wire::fields::{Flaw, Node};

/// As it is stored and answered: a schema, or a document that describes an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Validation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Request>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    openapi: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    responses: Option<Responses>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    schema: Value,
}

/// What is done about responses that have another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Responses {
    /// It is recorded.
    Shadow,
}

impl Validation {
    /// Reads what a client sent, and compiles it to see whether it can be: that takes up to
    /// hundreds of milliseconds.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let is_document = fields.has("openapi");
        match (fields.has("request"), is_document) {
            (true, true) => fields.flaw("openapi", "give this or request, not both"),
            (false, false) => fields.flaw("request", "give this, or openapi"),
            (true, false) | (false, true) => Some(()),
        }?;
        let request = fields.optional("request", Request::read);
        let openapi = fields.optional("openapi", |it| {
            it.json(|document| Validator::openapi(document).map(drop).map_err(|it| flaw(&it)))
        });
        if fields.has("responses") && !is_document {
            fields.flaw::<()>("responses", "only an openapi document describes responses");
        }
        let words = [("shadow", Responses::Shadow)];
        let responses = fields.optional("responses", |it| it.word(&words));
        fields.close();
        Some(Self { request: request?, openapi: openapi?, responses: responses? })
    }

    /// What judges requests.
    pub(crate) fn compiled(&self) -> Result<Validator, Flaw> {
        match (&self.request, &self.openapi) {
            (Some(Request { schema }), _) => Validator::json_schema(schema)
                .map_err(|it| below("/validation/request/schema", flaw(&it))),
            (None, Some(document)) => {
                let options = OpenApi::new();
                let options = if self.watches_responses() { options.responses() } else { options };
                Validator::openapi_with(document, options)
                    .map_err(|it| below("/validation/openapi", flaw(&it)))
            }
            (None, None) => Err(Flaw::new("/validation", "there is nothing to validate by")),
        }
    }

    /// Whether responses are looked at too.
    pub(crate) const fn watches_responses(&self) -> bool {
        match self.responses {
            Some(Responses::Shadow) => true,
            None => false,
        }
    }
}

impl Request {
    fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let schema = fields.required("schema", |it| {
            it.json(|schema| Validator::json_schema(schema).map(drop).map_err(|it| flaw(&it)))
        });
        fields.close();
        Some(Self { schema: schema? })
    }
}

fn flaw(error: &InvalidSchema) -> Flaw {
    Flaw::new(error.pointer(), error.reason())
}

fn below(pointer: &str, flaw: Flaw) -> Flaw {
    Flaw::new(format!("{pointer}{}", flaw.pointer), flaw.detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn what_is_answered_is_what_was_written() {
        for document in [
            r#"{"request":{"schema":{"minimum":-0.5,"type":"number"}}}"#,
            r#"{"openapi":{"openapi":"3.1.0","info":{"title":"a","version":"1"},"paths":{}},"responses":"shadow"}"#,
        ] {
            let read = read(document).unwrap();
            read.compiled().unwrap();
            let answered = serde_json::to_value(read).unwrap();
            assert_eq!(answered, serde_json::from_str::<Value>(document).unwrap());
        }
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check("{}", "/request: give this, or openapi");
        check(
            r#"{"request":{"schema":{}},"openapi":{}}"#,
            "/openapi: give this or request, not both",
        );
        check(r#"{"request":{}}"#, "/request/schema: this is required");
        check(
            r#"{"request":{"schema":{}},"responses":"shadow"}"#,
            "/responses: only an openapi document describes responses",
        );
        for (document, pointer) in [
            (
                r#"{"request":{"schema":{"properties":{"a":{"type":"text"}}}}}"#,
                "/request/schema/properties/a/type: ",
            ),
            (
                r#"{"request":{"schema":{"$ref":"https://example.com/a"}}}"#,
                "/request/schema/$ref: ",
            ),
            (r#"{"openapi":{"openapi":"2.0"}}"#, "/openapi"),
        ] {
            let said = read(document).unwrap_err();
            assert!(said.starts_with(pointer), "{said}");
        }
    }

    #[track_caller]
    fn check(document: &str, expected: &str) {
        assert_eq!(read(document).unwrap_err(), expected);
    }

    fn read(document: &str) -> Result<Validation, String> {
        let json = Json::parse(document.as_bytes()).unwrap();
        Flaws::read(json, Validation::read)
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
