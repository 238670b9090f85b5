//! The text that an HTTP message signature is made of (RFC 9421 §2.5).

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use percent_encoding::percent_encode;

use crate::outbound::signer::SignError;
use crate::sign::component::{Component, Source};
use crate::sign::percent::{self, IN_FORMS};
use crate::sign::{structured, target};

/// Writes the base of a signature over `components` of `head`, piece by piece.
pub(crate) fn write(
    head: &Parts,
    components: &[Component],
    parameters: &str,
    out: &mut dyn FnMut(&[u8]),
) -> Result<(), SignError> {
    for component in components {
        let value = value(head, &component.source)
            .map_err(|problem| SignError::new(format!("{}: {problem}", component.identifier)))?;
        // Nothing in it may end the line, or be read in several ways.
        if !value.bytes().all(|it| matches!(it, b'\t' | b' '..=b'~')) {
            let problem = "the value is not ASCII";
            return Err(SignError::new(format!("{}: {problem}", component.identifier)));
        }
        out(component.identifier.as_bytes());
        out(b": ");
        out(value.as_bytes());
        out(b"\n");
    }
    out(b"\"@signature-params\": ");
    out(parameters.as_bytes());
    Ok(())
}

fn value<'a>(head: &'a Parts, source: &Source) -> Result<Cow<'a, str>, SignError> {
    let uri = &head.uri;
    Ok(match source {
        Source::Method => head.method.as_str().into(),
        Source::TargetUri => {
            let (scheme, authority) = (target::scheme(head)?, target::authority(head)?);
            format!("{scheme}://{authority}{}", path_and_query(head)).into()
        }
        Source::Authority => target::authority(head)?.into(),
        Source::Scheme => target::scheme(head)?.into(),
        Source::RequestTarget => request_target(head)?,
        Source::Path => match uri.path() {
            "" => "/".into(),
            path => path.into(),
        },
        Source::Query => format!("?{}", uri.query().unwrap_or_default()).into(),
        Source::QueryParam(name) => query_param(uri.query().unwrap_or_default(), name)?.into(),
        Source::Field(name) => joined(&head.headers, name)?,
        Source::FieldBytes(name) => wrapped(&head.headers, name)?.into(),
    })
}

// What HTTP/1.1 sends to an origin server (RFC 9112 §3.2), also where the URI is absolute: the
// connection goes there. A proxy on the way would be sent something else.
fn request_target(head: &Parts) -> Result<Cow<'_, str>, SignError> {
    if head.method == Method::CONNECT {
        let authority = head.uri.authority();
        let authority = authority.ok_or_else(|| SignError::new("the target is no authority"))?;
        return Ok(authority.as_str().into());
    }
    Ok(path_and_query(head).into())
}

fn path_and_query(head: &Parts) -> &str {
    head.uri.path_and_query().map_or("/", |it| it.as_str())
}

// §2.2.8. A name that comes twice would be read in several ways.
fn query_param(query: &str, name: &str) -> Result<String, SignError> {
    let encoded = |text: &[u8]| {
        // What is not UTF-8 becomes U+FFFD, as in the URL standard's parser of forms.
        percent_encode(String::from_utf8_lossy(text).as_bytes(), IN_FORMS).to_string()
    };
    let mut values = percent::pairs(query).filter(|(found, _)| encoded(found) == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(encoded(&value)),
        (None, _) => Err(SignError::new(MISSING)),
        (Some(_), Some(_)) => Err(SignError::new("the request has it several times")),
    }
}

// §2.1.
fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Cow<'a, str>, SignError> {
    let mut lines = headers.get_all(name).iter().map(|it| text(it.as_bytes()));
    let first = lines.next().ok_or_else(|| SignError::new(MISSING))??;
    let mut value = Cow::Borrowed(first);
    for line in lines {
        let value = value.to_mut();
        value.push_str(", ");
        value.push_str(line?);
    }
    Ok(value)
}

// §2.1.3.
fn wrapped(headers: &HeaderMap, name: &HeaderName) -> Result<String, SignError> {
    let mut value = String::new();
    for line in headers.get_all(name) {
        if !value.is_empty() {
            value.push_str(", ");
        }
        structured::push_bytes(line.as_bytes().trim_ascii(), &mut value);
    }
    if value.is_empty() { Err(SignError::new(MISSING)) } else { Ok(value) }
}

fn text(line: &[u8]) -> Result<&str, SignError> {
    std::str::from_utf8(line.trim_ascii()).map_err(|_| SignError::new("the value is not ASCII"))
}

const MISSING: &str = "the request does not have it";

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const NOTHING: [(&str, &str); 0] = [];

    // RFC 9421 §2.1 and §2.1.3.
    #[test]
    fn fields_are_written_as_in_the_rfc() {
        let headers = [
            ("host", "www.example.com"),
            ("date", "Tue, 20 Apr 2021 02:07:56 GMT"),
            ("x-ows-header", "   Leading and trailing whitespace.  \t"),
            ("cache-control", "max-age=60"),
            ("cache-control", "   must-revalidate"),
            ("example-dict", " a=1,    b=2;x=1;y=2,   c=(a   b   c)"),
            ("x-empty-header", " "),
            ("example-header", "value, with, lots"),
            ("example-header", "of, commas"),
            ("x-bytes", "\u{e9}"),
        ];
        let check = |component, expected| check("GET", "/", &headers, component, expected);
        check("host", "\"host\": www.example.com");
        check("date", "\"date\": Tue, 20 Apr 2021 02:07:56 GMT");
        check("x-ows-header", "\"x-ows-header\": Leading and trailing whitespace.");
        check("cache-control", "\"cache-control\": max-age=60, must-revalidate");
        check("example-dict", "\"example-dict\": a=1,    b=2;x=1;y=2,   c=(a   b   c)");
        check("x-empty-header", "\"x-empty-header\": ");
        check("example-header", "\"example-header\": value, with, lots, of, commas");
        let wrapped = "\"example-header\";bs: :dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:";
        check("example-header;bs", wrapped);
        check("x-empty-header;bs", "\"x-empty-header\";bs: ::");
        check("x-bytes;bs", "\"x-bytes\";bs: :w6k=:");
        check("x-bytes", "! \"x-bytes\": the value is not ASCII");
        check("x-missing", "! \"x-missing\": the request does not have it");
        check("x-missing;bs", "! \"x-missing\";bs: the request does not have it");
    }

    // RFC 9421 §2.2.1 to §2.2.7.
    #[test]
    fn what_is_derived_is_written_as_in_the_rfc() {
        let uri = "https://WWW.Example.com:443/path?param=value&foo=bar&baz=bat%2Dman";
        let check = |component, expected| check("POST", uri, &NOTHING, component, expected);
        check("@method", "\"@method\": POST");
        let target = "https://www.example.com/path?param=value&foo=bar&baz=bat%2Dman";
        let target = format!("\"@target-uri\": {target}");
        check("@target-uri", &target);
        check("@authority", "\"@authority\": www.example.com");
        check("@scheme", "\"@scheme\": https");
        check("@request-target", "\"@request-target\": /path?param=value&foo=bar&baz=bat%2Dman");
        check("@path", "\"@path\": /path");
        check("@query", "\"@query\": ?param=value&foo=bar&baz=bat%2Dman");
    }

    #[test]
    fn odd_targets_are_written_as_in_the_rfc() {
        check("POST", "/path?queryString", &NOTHING, "@query", "\"@query\": ?queryString");
        check("POST", "/path", &NOTHING, "@query", "\"@query\": ?");
        check("POST", "/path?", &NOTHING, "@query", "\"@query\": ?");
        check("GET", "http://a", &NOTHING, "@path", "\"@path\": /");
        check("GET", "http://a", &NOTHING, "@target-uri", "\"@target-uri\": http://a/");
        let connect = "\"@request-target\": www.example.com:80";
        check("CONNECT", "www.example.com:80", &NOTHING, "@request-target", connect);
        check("OPTIONS", "*", &NOTHING, "@request-target", "\"@request-target\": *");
        check(
            "GET",
            "/",
            &[("host", "a")],
            "@target-uri",
            &format!("! \"@target-uri\": {UNKNOWN}"),
        );
        check("GET", "/ü", &NOTHING, "@path", "! \"@path\": the value is not ASCII");
    }

    // RFC 9421 §2.2.8.
    #[test]
    fn parameters_of_the_query_are_written_as_in_the_rfc() {
        let uri = "/path?param=value&foo=bar&baz=batman&qux=&x&foo=2&bad=%ff";
        let line = |uri: &str, name: &str, value: &str| {
            let component = format!("@query-param;name=\"{name}\"");
            let expected = match value.strip_prefix("! ") {
                Some(problem) => format!("! \"@query-param\";name=\"{name}\": {problem}"),
                None => format!("\"@query-param\";name=\"{name}\": {value}"),
            };
            check("POST", uri, &NOTHING, &component, &expected);
        };
        line(uri, "baz", "batman");
        line(uri, "qux", "");
        line(uri, "param", "value");
        line(uri, "x", "");
        line(uri, "bad", "%EF%BF%BD");
        line(uri, "foo", "! the request has it several times");
        line(uri, "missing", "! the request does not have it");
        let uri = "/parameters?var=this%20is%20a%20big%0Amultiline%20value&\
                   bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something";
        line(uri, "var", "this%20is%20a%20big%0Amultiline%20value");
        line(uri, "bar", "with%20plus%20whitespace");
        line(uri, "fa%C3%A7ade%22%3A%20", "something");
    }

    // RFC 9421 §2.5.
    #[test]
    fn the_base_is_that_of_the_rfc() {
        let digest = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX\
                      +TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
        let request = Request::post("/foo?param=Value&Pet=dog")
            .header("host", "example.com")
            .header("content-type", "application/json")
            .header("content-digest", digest)
            .header("content-length", "18");
        let components =
            ["@method", "@authority", "@path", "content-digest", "content-length", "content-type"]
                .map(|it| Component::parse(it).unwrap());
        let parameters = "(\"@method\" \"@authority\" \"@path\" \"content-digest\" \
                          \"content-length\" \"content-type\")\
                          ;created=1618884473;keyid=\"test-key-rsa-pss\"";
        let (head, ()) = request.body(()).unwrap().into_parts();
        let expected = format!(
            "\"@method\": POST\n\
             \"@authority\": example.com\n\
             \"@path\": /foo\n\
             \"content-digest\": {digest}\n\
             \"content-length\": 18\n\
             \"content-type\": application/json\n\
             \"@signature-params\": {parameters}"
        );
        assert_eq!(base(&head, &components, parameters).unwrap(), expected);
    }

    #[track_caller]
    fn check(method: &str, uri: &str, headers: &[(&str, &str)], component: &str, expected: &str) {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let component = Component::parse(component).unwrap();
        let line = match base(&head, &[component], "()") {
            Ok(base) => base.strip_suffix("\n\"@signature-params\": ()").unwrap().to_owned(),
            Err(error) => format!("! {error}"),
        };
        assert_eq!(line, expected);
    }

    fn base(head: &Parts, components: &[Component], last: &str) -> Result<String, SignError> {
        let mut bytes = Vec::new();
        write(head, components, last, &mut |piece| bytes.extend_from_slice(piece))?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    const UNKNOWN: &str = "the scheme is not known, as the URI is not absolute";
}
