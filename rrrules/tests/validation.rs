//! What a [`Validator`] says about requests and responses, by tables.

#![cfg(test)]
#![cfg(feature = "validation")]

use http::{HeaderMap, HeaderName, Method, StatusCode};
use proptest::prelude::*;
use rrrules::{Invalid, MAX_VIOLATIONS, OpenApi, RequestParts, Validator};
use serde_json::{Value, json};

type Headers<'a> = &'a [(&'a str, &'a str)];

const JSON: Headers<'_> = &[("content-type", "application/json")];

#[test]
fn a_schema_judges_bodies() {
    let schema = json!({
        "type": "object",
        "required": ["items"],
        "additionalProperties": false,
        "properties": {
            "items": { "type": "array", "minItems": 1, "items": {
                "type": "object", "properties": { "price": { "type": "number", "minimum": 0 } },
            } },
            "state": { "enum": ["open", "done"] },
            "code": { "type": "string", "pattern": "^[a-z]+$", "maxLength": 3 },
            "when": { "type": "string", "format": "date" },
        },
    });
    let validator = Validator::json_schema(&schema).unwrap();
    let check = |body: &str, expected: &str| {
        let parts = Request::new("POST", "/", JSON);
        assert_eq!(
            said(validator.check(&parts.parts(), Some(body.as_bytes()))),
            expected,
            "{body}"
        );
    };
    check(r#"{"items":[{"price":1}],"state":"open","code":"abc","when":"2026-01-31"}"#, "");
    check("[]", "/body must be of type object");
    check(r#"{"items":[]}"#, "/body/items must have at least 1 items");
    check(
        r#"{"items":[{"price":1},{"price":-1},{"price":"x"}]}"#,
        "/body/items/1/price must be at least 0; /body/items/2/price must be of type number",
    );
    check(
        r#"{"state":"x"}"#,
        "/body the member \"items\" is missing; \
         /body/state must be one of the values that are allowed",
    );
    check(
        r#"{"items":[1],"secret":1}"#,
        "/body has a member that is not allowed; \
         /body/items/0 must be of type object",
    );
    check(
        r#"{"items":[{}],"code":"ABCD"}"#,
        "/body/code must have at most 3 characters; /body/code must match the pattern",
    );
    check(r#"{"items":[{}],"when":"2026-02-31"}"#, "/body/when must be of format date");
    check(r#"{"items":[{}],"items":[]}"#, "/body has two members of one name");
    check("{", "/body is not valid JSON");
    check("\u{feff}{}", "/body the member \"items\" is missing");
    check(&format!("{}{}", "[".repeat(129), "]".repeat(129)), "/body is nested too deep");
    check("", "/body a body is required");
}

#[test]
fn only_json_may_pass_by_a_schema() {
    let validator = Validator::json_schema(&json!({ "type": "object" })).unwrap();
    let check = |method: &str, headers: Headers<'_>, body: Option<&str>, expected: &str| {
        let request = Request::new(method, "/", headers);
        let result = validator.check(&request.parts(), body.map(str::as_bytes));
        assert_eq!(said(result), expected, "{method} {headers:?} {body:?}");
    };
    for media in ["application/json", "Application/JSON; charset=\"UTF-8\"", "application/a+json"] {
        check("POST", &[("content-type", media)], Some("{}"), "");
    }
    for media in ["text/plain", "application/json; charset=latin1", "json", "application/jsonp"] {
        check("POST", &[("content-type", media)], Some("{}"), "media type");
    }
    check("POST", &[], Some("{}"), "media type");
    check("POST", &[JSON[0], JSON[0]], Some("{}"), "media type");
    check("POST", &[("content-type", "text/plain"), ("content-length", "2")], None, "media type");
    check("POST", &[JSON[0], ("content-length", "2")], None, "/body a body is required");
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        check(method, &[], None, "");
        check(method, &[], Some(""), "");
        check(method, JSON, Some("[]"), "/body must be of type object");
    }
    for method in ["POST", "PUT", "PATCH", "QUERY"] {
        check(method, &[], Some(""), "/body a body is required");
    }
}

#[test]
fn what_cannot_be_compiled_says_where_and_why() {
    let check = |schema: Value, expected: &str| {
        let error = Validator::json_schema(&schema).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(!error.to_string().contains('\n'));
    };
    check(json!({ "properties": { "a": { "type": "text" } } }), "/properties/a/type: ");
    check(
        json!({ "properties": { "a": { "$ref": "http://10.0.0.1/a" } } }),
        "/properties/a/$ref: ",
    );
    check(json!({ "items": { "$ref": "file:///etc/passwd" } }), "/items/$ref: ");
    check(json!({ "items": { "$ref": "#/$defs/gone" } }), "/items/$ref: ");
    check(json!({ "$schema": "https://example.com/own" }), "/$schema: ");
    check(json!({ "properties": { "a": { "pattern": "(?=a)b" } } }), "/properties/a/pattern: ");
    check(json!({ "properties": { "a": { "pattern": "(a)\\1" } } }), "/properties/a/pattern: ");
    check(
        json!({ "properties": { "a": { "pattern": "((a{1000}){1000}){1000}" } } }),
        "/properties/a/pattern: ",
    );
    check(
        json!({ "allOf": vec![json!({ "pattern": "a" }); 1_025] }),
        "has more than 1024 patterns",
    );
    check(json!({ "description": "x".repeat(1 << 20) }), "is larger than 1024 KiB");
}

#[test]
fn a_document_judges_what_is_in_the_query() {
    check_get("/pets", &[], "");
    check_get("/pets?limit=5&unknown=%41", &[], "");
    check_get("/pets?limit=500", &[], "/query/limit must be at most 100");
    check_get("/pets?limit=5.5", &[], "/query/limit must be of type integer");
    check_get("/pets?limit=+5", &[], "/query/limit must be of type integer");
    check_get("/pets?limit=0x5", &[], "/query/limit must be of type integer");
    check_get("/pets?limit=5&limit=6", &[], "/query/limit is given more than once");
    check_get("/pets?l%69mit=500", &[], "/query/limit must be at most 100");
    check_get("/pets?limit=%zz", &[], "/query/limit has a malformed escape");
    check_get("/pets?%zz=1", &[], "/query has a malformed escape");
    check_get("/pets?tags=a&tags=b", &[], "");
    check_get("/pets?tags=a&tags=toolong", &[], "/query/tags/1 must have at most 3 characters");
    check_get("/pets?ids=1,2,3", &[], "");
    check_get("/pets?ids=1,x", &[], "/query/ids/1 must be of type integer");
    check_get("/pets?sizes=1%7C2", &[], "");
    check_get("/pets?sizes=1|x", &[], "/query/sizes/1 must be of type integer");
}

#[test]
fn a_document_judges_objects_in_the_query() {
    check_get("/pets?filter[age]=3&filter[name]=5", &[], "");
    check_get("/pets?filter[age]=old", &[], "/query/filter/age must be of type integer");
    check_get("/pets?filter[secret]=1", &[], "/query/filter has a member that is not allowed");
    check_get(
        "/pets?filter[age]=1&filter[age]=2",
        &[],
        "/query/filter has a member that is given more than once",
    );
    check_get("/pets?where=%7B%22a%22:1%7D", &[], "");
    check_get(
        "/pets?where=%7B%22a%22:1,%22a%22:2%7D",
        &[],
        "/query/where has two members of one name",
    );
    check_get("/pets?flag=", &[], "");
    check_get("/pets?flag=maybe", &[], "/query/flag must be of type boolean");
}

#[test]
fn a_document_judges_headers_cookies_and_paths() {
    check_get("/pets", &[("x-trace", "7")], "");
    check_get("/pets", &[("X-Trace", "x")], "/headers/X-Trace must be of type integer");
    check_get(
        "/pets",
        &[("x-trace", "7"), ("x-trace", "8")],
        "/headers/X-Trace is given more than once",
    );
    check_get("/pets", &[("cookie", "a=b; session=abc")], "");
    check_get(
        "/pets",
        &[("cookie", "session=abc; session=d")],
        "/cookies/session is given more than once",
    );
    check_get(
        "/pets",
        &[("cookie", "session=toolong")],
        "/cookies/session must have at most 3 characters",
    );
    check_get("/pets/7", &[("x-key", "k")], "");
    check_get("/pets/7", &[], "/headers/x-key is missing");
    check_get("/pets/seven", &[("x-key", "k")], "/path/petId must be of type integer");
    check_get("/pets/mine", &[], "");
    check_get("/caf%C3%A9/x%20y", &[], "");
    check_get("/caf%C3%A9/x", &[], "/path/name must have at least 3 characters");
    check_get("/other", &[], "/path the document has no such path");
}

#[test]
fn a_document_judges_bodies() {
    let json = "application/json";
    check_post("/pets", json, r#"{"name":"Rex","tag":null,"age":1}"#, "");
    check_post("/pets", json, r#"{"tag":"x"}"#, "/body the member \"name\" is missing");
    check_post("/pets", json, r#"{"name":null}"#, "/body/name must be of type string");
    check_post("/pets", json, r#"{"name":"Rex","age":0}"#, "/body/age must be more than 0");
    check_post(
        "/pets",
        json,
        r#"{"name":"Rex","children":[{"name":"a","children":[{}]}]}"#,
        "/body/children/0/children/0 the member \"name\" is missing",
    );
    check_post("/pets", json, "", "/body a body is required");
    check_post("/pets", "", "", "/body a body is required");
    check_post("/pets", "", "{}", "media type");
    check_post("/pets", "text/csv", "a", "media type");
    check_post("/pets", "application/json;charset=utf-16", "{}", "media type");
    check_post(
        "/pets",
        "application/pet+json",
        r#"{"name":1}"#,
        "/body/name must be of type string",
    );
    check_post("/pets", "image/png", "\u{1}", "");
}

#[test]
fn a_document_judges_forms_and_bodies_that_are_not_meant() {
    let json = "application/json";
    check_post("/forms", "application/x-www-form-urlencoded", "age=3&tags=a&tags=b", "");
    check_post(
        "/forms",
        "application/x-www-form-urlencoded",
        "age=x",
        "/body/age must be of type integer",
    );
    check_post(
        "/forms",
        "application/x-www-form-urlencoded",
        "age=%",
        "/body has a malformed escape",
    );
    check_post(
        "/forms",
        "application/x-www-form-urlencoded",
        "age=1&age=2",
        "/body has a member that is given more than once",
    );
    check_post(
        "/forms",
        "application/x-www-form-urlencoded",
        "x=1",
        "/body has a member that is not allowed",
    );
    check_post("/forms", "", "", "");
    check_post("/pets/7/feed", "", "", "");
    check_post("/pets/7/feed", json, "{}", "media type");
    check_post("/pets/mine", json, "{}", "/method the document has no such method for this path");
}

#[test]
fn what_is_not_listed_passes_only_where_the_options_say_so() {
    let validator = Validator::openapi_with(&pets_3_1(), OpenApi::new().pass_unlisted()).unwrap();
    for (method, target) in [("GET", "/other"), ("PUT", "/pets")] {
        let request = Request::new(method, target, &[]);
        assert_eq!(validator.check(&request.parts(), None), Ok(()));
        assert!(!validator.needs_body(&request.parts()));
    }
    let head = Request::new("HEAD", "/pets?limit=x", &[]);
    assert_eq!(said(validator.check(&head.parts(), None)), "/query/limit must be of type integer");
}

#[test]
fn a_body_is_asked_for_only_where_somebody_looks_into_it() {
    let schema = Validator::json_schema(&json!({})).unwrap();
    let document = Validator::openapi(&pets_3_1()).unwrap();
    let check = |validator: &Validator, target: &str, headers: Headers<'_>, expected: bool| {
        let request = Request::new("POST", target, headers);
        assert_eq!(validator.needs_body(&request.parts()), expected, "{target} {headers:?}");
    };
    check(&schema, "/", JSON, true);
    check(&schema, "/", &[], true);
    check(&schema, "/", &[("content-length", "0")], false);
    check(&schema, "/", &[("content-type", "text/plain"), ("content-length", "9")], false);
    check(&document, "/pets", JSON, true);
    check(&document, "/pets", &[("content-type", "image/png")], false);
    check(
        &document,
        "/pets",
        &[("content-type", "text/csv"), ("transfer-encoding", "chunked")],
        false,
    );
    check(&document, "/other", JSON, false);
    check(&document, "/pets/7/feed", &[("content-length", "9")], false);
    check(&document, "/pets/7/feed", &[], true);
}

#[test]
fn documents_that_cannot_be_used_say_where_and_why() {
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut document = pets_3_1();
        change(&mut document);
        let error = Validator::openapi_with(&document, OpenApi::new().responses()).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    check(&|it| it["openapi"] = json!("2.0"), "/openapi: must be 3.0 or 3.1");
    check(&|it| it["paths"] = json!(null), "/paths: must be an object");
    check(
        &|it| it["components"]["schemas"]["Pet"]["properties"]["name"]["type"] = json!("text"),
        "/components/schemas/Pet/properties/name/type: ",
    );
    check(
        &|it| {
            it["components"]["schemas"]["Pet"]["properties"]["name"] =
                json!({ "$ref": "other.json" })
        },
        "/components/schemas/Pet/properties/name/$ref: names what is not in this document",
    );
    check(
        &|it| {
            it["components"]["schemas"]["Pet"]["properties"]["name"] = json!({ "pattern": "(?!a)" })
        },
        "/components/schemas/Pet/properties/name/pattern: is no regular expression",
    );
    check(
        &|it| it["paths"]["/pets"]["get"]["parameters"][0] = json!({ "$ref": "http://a/b" }),
        "/paths/~1pets/get/parameters/0/$ref: names what is not in this document",
    );
    check(
        &|it| it["paths"]["/pets"]["get"]["parameters"][0]["style"] = json!("matrix"),
        "/paths/~1pets/get/parameters/0/style: ",
    );
    check(
        &|it| it["paths"]["/pets/{id}"] = it["paths"]["/pets/{petId}"].clone(),
        "/paths/~1pets~1{id}/get: the path has no place for the parameter \"petId\"",
    );
    check(&|it| it["paths"]["/pets/{x}"] = json!({}), "/paths/~1pets~1{x}: another path");
    check(&|it| it["paths"]["/{a}-{b}"] = json!({}), "/paths/~1{a}-{b}: a segment");
    check(
        &|it| it["components"]["schemas"]["Pet"]["$id"] = json!("x"),
        "/components/schemas/Pet/$id: ",
    );
    check(
        &|it| it["paths"]["/loop"] = json!({ "$ref": "#/paths/~1loop" }),
        "/paths/~1loop: references",
    );
}

#[test]
fn a_document_judges_responses_by_status_and_media_type() {
    let validator = Validator::openapi_with(&pets_3_0(), OpenApi::new().responses()).unwrap();
    assert!(validator.looks_at_responses());
    let check = |status: u16, media: &str, body: &str, expected: &str| {
        let request = Request::new("POST", "/pets", &[]);
        let response = Request::new("GET", "/", &[("content-type", media)]);
        let status = StatusCode::from_u16(status).unwrap();
        let result = validator.check_response(
            &request.parts(),
            status,
            &response.headers,
            Some(body.as_bytes()),
        );
        assert_eq!(said(result), expected, "{status} {body}");
    };
    check(201, "application/json", r#"{"name":"Rex","id":1}"#, "");
    check(201, "application/json", r#"{"name":"Rex"}"#, "/body the member \"id\" is missing");
    check(201, "text/html", "x", "media type");
    check(404, "application/problem+json", r#"{"title":"x"}"#, "");
    check(404, "application/problem+json", "{}", "/body the member \"title\" is missing");
    check(500, "text/html", "x", "");
    check(302, "text/html", "x", "/status the document has no such status");
}

#[test]
fn violations_are_few_and_cheap_whatever_the_body() {
    let list = Validator::json_schema(&json!({ "items": { "type": "integer" } })).unwrap();
    let tree = json!({ "anyOf": [
        { "type": "object", "properties": { "c": { "$ref": "#" } }, "required": ["d"] },
        { "type": "object", "properties": { "c": { "$ref": "#" } }, "required": ["e"] },
    ] });
    let tree = Validator::json_schema(&tree).unwrap();
    let request = Request::new("POST", "/", JSON);
    let check = |validator: &Validator, body: &str, expected: usize| match validator
        .check(&request.parts(), Some(body.as_bytes()))
    {
        Err(Invalid::Failed(violations)) => assert_eq!(violations.len(), expected),
        other => panic!("{other:?}"),
    };
    check(&list, &format!("[{}\"x\"]", "\"x\",".repeat(100)), MAX_VIOLATIONS);
    check(&list, &format!("[{}\"x\"]", "\"x\",".repeat(200_000)), 1);
    // Each level could be wrong in two ways.
    check(
        &tree,
        &format!(
            "{}{}",
            "{\"c\":".repeat(120).trim_end_matches(':'),
            ":1}".to_owned() + &"}".repeat(119)
        ),
        1,
    );
}

proptest! {
    #[test]
    fn what_the_sender_wrote_is_never_said(
        names in prop::collection::vec("(name|age|tags|canary[a-z]{4}|77777[0-9]{3})", 0..6),
        values in prop::collection::vec(prop_oneof![
            Just(json!("canary")), Just(json!(77777)), Just(json!(["canary", 77777, { "canary": 1 }])),
            Just(json!({ "name": "canary", "canary": { "77777": "canary" } })), Just(json!(null)),
        ], 6),
        text in "(canary|77777|%63anary|[&=;,\\[\\]]|limit|filter|ids|%){0,12}",
    ) {
        let body = Value::Object(names.into_iter().zip(values).collect()).to_string();
        let schema = json!({
            "type": "object", "minProperties": 2, "maxProperties": 1,
            "properties": { "name": { "type": "boolean" }, "age": { "const": 5 }, "tags": { "maxItems": 0 } },
            "patternProperties": { "^7": { "type": "boolean" } },
            "propertyNames": { "maxLength": 3 },
            "additionalProperties": { "enum": [1], "not": {}, "oneOf": [{ "type": "null" }, { "minimum": 1e9 }] },
        });
        let headers = &[("content-type", "application/json"), ("x-trace", "canary"), ("cookie", "session=canary")];
        let post = Request::new("POST", "/pets", headers);
        let get = Request::new("GET", &format!("/pets?{text}&limit={text}"), headers);
        let document = Validator::openapi(&pets_3_1()).unwrap();
        for result in [
            Validator::json_schema(&schema).unwrap().check(&post.parts(), Some(body.as_bytes())),
            document.check(&post.parts(), Some(body.as_bytes())),
            document.check(&get.parts(), None),
        ] {
            let said = format!("{result:?}");
            prop_assert!(!said.contains("canary") && !said.contains("77777"), "{}", said);
        }
    }
}

// Both documents say the same.
#[track_caller]
fn check_get(target: &str, headers: Headers<'_>, expected: &str) {
    let request = Request::new("GET", target, headers);
    for document in [pets_3_0(), pets_3_1()] {
        let result = Validator::openapi(&document).unwrap().check(&request.parts(), None);
        assert_eq!(said(result), expected, "{target} {headers:?}");
    }
}

#[track_caller]
fn check_post(target: &str, media: &str, body: &str, expected: &str) {
    let headers: Headers<'_> = &[("content-type", media)];
    let request = Request::new("POST", target, if media.is_empty() { &[] } else { headers });
    for document in [pets_3_0(), pets_3_1()] {
        let validator = Validator::openapi(&document).unwrap();
        let result = validator.check(&request.parts(), Some(body.as_bytes()));
        assert_eq!(said(result), expected, "{target} {media} {body}");
    }
}

struct Request {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
}

impl Request {
    fn new(method: &str, target: &str, headers: Headers<'_>) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
        });
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| _ = map.append(name, value));
        Self { method: method.parse().unwrap(), path: path.to_owned(), query, headers: map }
    }

    fn parts(&self) -> RequestParts<'_> {
        RequestParts {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
        }
    }
}

fn said(result: Result<(), Invalid>) -> String {
    match result {
        Ok(()) => String::new(),
        Err(Invalid::MediaType) => "media type".to_owned(),
        Err(Invalid::Failed(violations)) => {
            let each = violations.iter().map(|it| format!("{} {}", it.pointer, it.detail));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

fn pets_3_0() -> Value {
    serde_json::from_str(include_str!("validation/pets-3.0.json")).unwrap()
}

fn pets_3_1() -> Value {
    serde_json::from_str(include_str!("validation/pets-3.1.json")).unwrap()
}
