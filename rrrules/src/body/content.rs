//! What was sent, decoded and told apart.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use rrcore::coding::{Coding, DecodeError, decode};

use super::not_inspectable::NotInspectable;

/// What was sent.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    /// All request headers.
    pub(crate) headers: &'a HeaderMap,
    /// What follows `?` in the target, as it was sent.
    pub(crate) query: Option<&'a str>,
    /// The body as it was sent, still under its `Content-Encoding`.
    pub(crate) data: &'a Bytes,
    /// How many bytes it may be when decoded.
    pub(crate) limit: usize,
}

/// A body, without its coding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Document {
    Empty,
    Json(Bytes),
    Form(Bytes),
    GraphQl(Bytes),
}

#[derive(Clone, Copy)]
enum Media {
    Form,
    GraphQl,
    Other,
}

impl Content<'_> {
    pub(super) fn document(&self) -> Result<Document, NotInspectable> {
        if self.data.is_empty() {
            return Ok(Document::Empty);
        }
        let media = media(self.headers)?;
        let coding = Coding::of(self.headers).map_err(undecoded)?;
        let plain = decode(coding, self.data.clone(), self.limit).map_err(undecoded)?;
        Ok(match media {
            _ if plain.is_empty() => Document::Empty,
            Media::Form if looks_like_json(&plain) => {
                return Err(NotInspectable("JSON that is called a form"));
            }
            Media::Form => Document::Form(plain),
            Media::GraphQl => Document::GraphQl(plain),
            Media::Other => Document::Json(plain),
        })
    }
}

const fn undecoded(error: DecodeError) -> NotInspectable {
    NotInspectable(match error {
        DecodeError::TooLarge => "over the size limit",
        DecodeError::Corrupt => "not what its Content-Encoding says",
        DecodeError::Unsupported => "a Content-Encoding that is not supported",
    })
}

// Whoever goes by the content and not by its name would read it as JSON; a browser would have
// escaped it.
fn looks_like_json(form: &[u8]) -> bool {
    let text = form.strip_prefix(b"\xef\xbb\xbf").unwrap_or(form);
    matches!(text.trim_ascii_start(), [b'{' | b'[', ..])
}

// Servers disagree about several types, and about those that are written oddly: what might be a
// form for one of them must not be anything else here.
fn media(headers: &HeaderMap) -> Result<Media, NotInspectable> {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let Some(line) = lines.next() else { return Ok(Media::Other) };
    let text = line.to_str().map(str::to_ascii_lowercase);
    let (None, Ok(text)) = (lines.next(), text) else { return Err(UNCLEAR) };
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    parts.try_for_each(parameter)?;
    match name {
        "application/x-www-form-urlencoded" => Ok(Media::Form),
        "application/graphql" => Ok(Media::GraphQl),
        _ if name.contains("form-urlencoded") || name.contains(',') => Err(UNCLEAR),
        _ => Ok(Media::Other),
    }
}

fn parameter(text: &str) -> Result<(), NotInspectable> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    // `charset*` (RFC 8187), too.
    if !name.trim_end().starts_with("charset") {
        return Ok(());
    }
    match value.trim().trim_matches('"') {
        "utf-8" | "utf8" | "us-ascii" => Ok(()),
        _ => Err(NotInspectable("a charset that is not UTF-8")),
    }
}

const UNCLEAR: NotInspectable = NotInspectable("an unclear Content-Type");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_called_a_form_or_graphql_is_json() {
        for types in [
            &[][..],
            &["application/json"],
            &["text/plain"],
            &[""],
            &["nonsense"],
            &["multipart/form-data; boundary=x"],
            &["application/json; charset=UTF-8"],
            &["application/json;charset=\"us-ascii\""],
            &["application/graphql-response+json"],
        ] {
            check(types, "{}", &Ok(Document::Json("{}".into())));
        }
        check(&["Application/X-WWW-Form-URLencoded ; a=b"], "a", &Ok(Document::Form("a".into())));
        check(&["application/graphql"], "{a}", &Ok(Document::GraphQl("{a}".into())));
    }

    #[test]
    fn a_type_with_two_readings_has_none() {
        for types in [
            &["application/json", "application/json"][..],
            &["application/json, application/x-www-form-urlencoded"],
            &["application/x-www-form-urlencoded, application/json"],
            &["application/x-www-form-urlencoded application/json"],
            &["text/json, text/plain"],
            &["application/jso\u{e9}"],
        ] {
            check(types, "{}", &Err(UNCLEAR));
        }
        for charset in ["utf-16", "iso-8859-1", "utf-7", "", "\"utf-16\"", "utf-8; charset=utf-16"]
        {
            let other = Err(NotInspectable("a charset that is not UTF-8"));
            check(&[&format!("application/json; Charset={charset}")], "{}", &other);
        }
    }

    #[test]
    fn json_that_is_called_a_form_is_neither() {
        let both = || Err(NotInspectable("JSON that is called a form"));
        for body in ["{}", " [1]", "\u{feff}{\"a\":1}", "\n{\"a\":1,\"a\":2}", "{\"a\":1,}"] {
            check(&["application/x-www-form-urlencoded"], body, &both());
        }
        let form = Ok(Document::Form("a={}".into()));
        check(&["application/x-www-form-urlencoded"], "a={}", &form);
    }

    #[test]
    fn nothing_is_empty_whatever_it_is_called() {
        check(&["multipart/form-data", "text/plain; charset=utf-16"], "", &Ok(Document::Empty));
    }

    #[track_caller]
    fn check(types: &[&str], body: &str, expected: &Result<Document, NotInspectable>) {
        let mut headers = HeaderMap::new();
        for it in types {
            let value = http::HeaderValue::from_bytes(it.as_bytes()).unwrap();
            headers.append(CONTENT_TYPE, value);
        }
        let data = Bytes::copy_from_slice(body.as_bytes());
        let content = Content { headers: &headers, query: None, data: &data, limit: 100 };
        assert_eq!(&content.document(), expected, "{types:?} {body}");
    }
}
