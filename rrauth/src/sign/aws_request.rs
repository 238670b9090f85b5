//! A request in the one form that AWS signs.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::outbound::signer::SignError;
use crate::sign::aws_uri::{self, Paths};
use crate::sign::target;

/// What of a request is signed, and how its path is read.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) paths: Paths,
    /// Besides `Host`, `Content-Type` and `X-Amz-*`.
    pub(crate) also: Vec<HeaderName>,
}

/// A request that is to be signed.
pub(crate) struct CanonicalRequest<'a> {
    head: &'a Parts,
    host: Cow<'a, [u8]>,
    signed: Vec<&'a HeaderName>,
    paths: Paths,
}

impl<'a> CanonicalRequest<'a> {
    pub(crate) fn new(head: &'a Parts, scope: &Scope) -> Result<Self, SignError> {
        if !head.uri.path().starts_with('/') {
            return Err(SignError::new("the request target has no path"));
        }
        let host = target::host(head)?;
        let is_signed = |it: &&HeaderName| {
            it.as_str().starts_with("x-amz-")
                || **it == CONTENT_TYPE
                || scope.also.contains(it) && **it != HOST
        };
        let mut signed: Vec<_> = head.headers.keys().filter(is_signed).collect();
        // Whether the header is there already or the client adds it.
        signed.push(&HOST);
        signed.sort_unstable_by_key(|it| it.as_str());
        Ok(Self { head, host, signed, paths: scope.paths })
    }

    /// The names of the headers that are signed, sorted, with `;` between them.
    pub(crate) fn signed_headers(&self) -> String {
        let mut names = String::with_capacity(self.signed.len() * 16);
        for name in &self.signed {
            if !names.is_empty() {
                names.push(';');
            }
            names.push_str(name.as_str());
        }
        names
    }

    /// Writes it piece by piece: it holds a session token, of which no copy should stay behind.
    pub(crate) fn write(&self, signed_headers: &str, payload: &str, out: &mut dyn FnMut(&[u8])) {
        out(self.head.method.as_str().as_bytes());
        out(b"\n");
        aws_uri::write_path(self.head.uri.path(), self.paths, out);
        out(b"\n");
        aws_uri::write_query(self.head.uri.query().unwrap_or_default(), out);
        out(b"\n");
        for name in &self.signed {
            out(name.as_str().as_bytes());
            out(b":");
            match **name == HOST {
                true => write_folded(&self.host, out),
                false => write_values(&self.head.headers, name, out),
            }
            out(b"\n");
        }
        out(b"\n");
        out(signed_headers.as_bytes());
        out(b"\n");
        out(payload.as_bytes());
    }
}

fn write_values(headers: &HeaderMap, name: &HeaderName, out: &mut dyn FnMut(&[u8])) {
    for (nth, value) in headers.get_all(name).iter().enumerate() {
        if nth > 0 {
            out(b",");
        }
        write_folded(value.as_bytes(), out);
    }
}

// Without outer blanks, and one space for each run of them inside, in quotes as well.
fn write_folded(value: &[u8], out: &mut dyn FnMut(&[u8])) {
    let words = value.split(|it| matches!(it, b' ' | b'\t')).filter(|it| !it.is_empty());
    for (nth, word) in words.enumerate() {
        if nth > 0 {
            out(b" ");
        }
        out(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    // From AWS' test suite: get-header-key-duplicate, -value-order, -value-multiline, -value-trim.
    #[test]
    fn header_values_are_trimmed_folded_and_joined() {
        check(&["value2", "value2", "value1"], "value2,value2,value1");
        check(&["value4", "value1", "value3", "value2"], "value4,value1,value3,value2");
        check(&["value1  value2     value3"], "value1 value2 value3");
        check(&[" value1"], "value1");
        check(&["\"a   b   c\""], "\"a b c\"");
        check(&["\ta\t \tb\t"], "a b");
        check(&["", "a"], ",a");
        check(&["é"], "é");
    }

    #[test]
    fn a_target_without_a_path_has_no_canonical_form() {
        for target in ["*", "example.com:443"] {
            let request = Request::options(target).header(HOST, "example.com").body(()).unwrap();
            let (head, ()) = request.into_parts();
            let scope = Scope { paths: Paths::Normalised, also: Vec::new() };
            assert!(CanonicalRequest::new(&head, &scope).is_err(), "{target}");
        }
    }

    #[track_caller]
    fn check(values: &[&str], expected: &str) {
        let name = HeaderName::from_static("my-header1");
        let mut request = Request::get("/").header(HOST, "example.amazonaws.com");
        for value in values {
            request = request.header(&name, value.as_bytes());
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let scope = Scope { paths: Paths::Normalised, also: vec![name, HOST] };
        let canonical = CanonicalRequest::new(&head, &scope).unwrap();
        let mut bytes = Vec::new();
        let names = canonical.signed_headers();
        canonical.write(&names, "payload", &mut |piece| bytes.extend_from_slice(piece));
        let expected = format!(
            "GET\n/\n\nhost:example.amazonaws.com\nmy-header1:{expected}\n\nhost;my-header1\npayload"
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
