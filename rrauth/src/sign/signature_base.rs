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
            let problem = "its value is not ASCII";
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
    std::str::from_utf8(line.trim_ascii()).map_err(|_| SignError::new("its value is not ASCII"))
}

const MISSING: &str = "the request does not have it";
