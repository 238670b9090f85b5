//! What of a request an HTTP message signature covers (RFC 9421 §2), parsed once.

use std::borrow::Cow;

use http::header::HeaderName;
use percent_encoding::{percent_decode_str, percent_encode};
use rrcore::HeaderNames;

use crate::sign::percent::IN_FORMS;
use crate::sign::structured;

/// A covered component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) source: Source,
    /// As it is written in signatures, with its parameters: `"@query-param";name="Pet"`.
    pub(crate) identifier: String,
}

/// Where its value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    /// The value of one parameter; its name is encoded as in forms.
    QueryParam(String),
    /// The lines of a header, joined.
    Field(HeaderName),
    /// The lines of a header, each as a Byte Sequence (§2.1.3).
    FieldBytes(HeaderName),
}

impl Component {
    /// Reads `@method`, `content-type`, `x-list;bs` or `@query-param;name="Pet"`; the name may be
    /// in quotes, as it is in signatures.
    pub(crate) fn parse(text: &str) -> Result<Self, Cow<'static, str>> {
        let (name, parameter) = match text.split_once(';') {
            Some((name, parameter)) => (name, Some(parameter)),
            None => (text, None),
        };
        let name = name.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(name);
        if name.starts_with('@') { derived(name, parameter) } else { field(name, parameter) }
    }

    fn new(source: Source, name: &str, parameters: &str) -> Self {
        let mut identifier = String::new();
        structured::push_string(name, &mut identifier);
        identifier.push_str(parameters);
        Self { source, identifier }
    }
}

fn derived(name: &str, parameter: Option<&str>) -> Result<Component, Cow<'static, str>> {
    let source = match (name, parameter) {
        ("@query-param", Some(parameter)) => return query_param(parameter),
        ("@query-param", None) => {
            return Err("which one? Write @query-param;name=\"…\"".into());
        }
        ("@signature-params", _) => return Err("every signature covers these by itself".into()),
        ("@status", _) => return Err("requests have no status".into()),
        ("@method", None) => Source::Method,
        ("@target-uri", None) => Source::TargetUri,
        ("@authority", None) => Source::Authority,
        ("@scheme", None) => Source::Scheme,
        ("@request-target", None) => Source::RequestTarget,
        ("@path", None) => Source::Path,
        ("@query", None) => Source::Query,
        (_, Some(_)) => return Err("it has no such parameter in a request".into()),
        (_, None) => return Err("no such derived component is known".into()),
    };
    Ok(Component::new(source, name, ""))
}

fn query_param(parameter: &str) -> Result<Component, Cow<'static, str>> {
    let quoted = parameter.strip_prefix("name=\"").and_then(|it| it.strip_suffix('"'));
    let name = quoted.filter(|it| !it.contains(['"', '\\']));
    let name = name.ok_or("its one parameter is name=\"…\", percent-encoded")?;
    // One form, whatever of it was encoded: it is what names of a request are compared with.
    let decoded = percent_decode_str(name).decode_utf8_lossy();
    let name = percent_encode(decoded.as_bytes(), IN_FORMS).to_string();
    let parameters = format!(";name=\"{name}\"");
    Ok(Component::new(Source::QueryParam(name), "@query-param", &parameters))
}

fn field(name: &str, parameter: Option<&str>) -> Result<Component, Cow<'static, str>> {
    let name: HeaderName = name.parse().map_err(|_| "it is no name of a header")?;
    if OURS.contains(&name.as_str()) {
        return Err("a signature cannot cover itself".into());
    }
    if HeaderNames::HOP_BY_HOP.contains(&name) {
        return Err("this header belongs to the connection, not to the request".into());
    }
    match parameter {
        None => Ok(Component::new(Source::Field(name.clone()), name.as_str(), "")),
        Some("bs") if name == "content-digest" => Err("this header is signed as it is".into()),
        Some("bs") => Ok(Component::new(Source::FieldBytes(name.clone()), name.as_str(), ";bs")),
        Some("sf") => Err("sf: strict serialisation is not supported".into()),
        Some("tr") => Err("tr: trailers are not sent".into()),
        Some("req") => Err("req: only responses have a request".into()),
        Some(it) if it.starts_with("key=") => Err("key: members are not supported".into()),
        Some(_) => Err("no such parameter is known".into()),
    }
}

const OURS: [&str; 2] = ["signature", "signature-input"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_written_as_signatures_write_them() {
        check("@method", "\"@method\"");
        check("\"@target-uri\"", "\"@target-uri\"");
        check("Content-Type", "\"content-type\"");
        check("\"x-list\";bs", "\"x-list\";bs");
        check("@query-param;name=\"Pet\"", "\"@query-param\";name=\"Pet\"");
        check("@query-param;name=\"\"", "\"@query-param\";name=\"\"");
        // RFC 9421 §2.2.8: however it is encoded, it is one name.
        let facade = "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\"";
        check("@query-param;name=\"fa%C3%A7ade%22%3A%20\"", facade);
        check("\"@query-param\";name=\"façade%22: \"", facade);
        check("@query-param;name=\"a+~*\"", "\"@query-param\";name=\"a%2B%7E*\"");
    }

    #[test]
    fn what_no_request_can_be_signed_by_is_refused() {
        for bad in [
            "",
            "@",
            "@status",
            "@signature-params",
            "@Method",
            "@methods",
            "@method;bs",
            "@method;req",
            "@method;",
            "@query-param",
            "@query-param;name=Pet",
            "@query-param;name=\"a\";req",
            "@query-param;name=\"a\\\"b\"",
            "@query;name=\"a\"",
            "a b",
            "a;",
            "a;sf",
            "a;key=\"b\"",
            "a;tr",
            "a;req",
            "a;bs;sf",
            "a;unknown",
            "signature",
            "Signature-Input",
            "connection",
            "Transfer-Encoding",
            "te",
            "é",
            "\"a",
            "content-digest;bs",
        ] {
            assert!(Component::parse(bad).is_err(), "{bad}");
        }
    }

    #[track_caller]
    fn check(text: &str, identifier: &str) {
        assert_eq!(Component::parse(text).unwrap().identifier, identifier);
    }
}
