//! A request, changed.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, Uri};
use rrcore::coding::{Coding, DecodeError, decode};
use rrcore::{Code, Refusal, Stage};

use crate::transform::headers::Unfit;
use crate::transform::media::Declared;
use crate::transform::message::RequestTransform;
use crate::transform::values::Values;

/// What becomes of the content, of at most `limit` bytes; `head` then describes that.
pub(crate) fn content(
    transform: &RequestTransform,
    head: &mut HeaderMap,
    content: Bytes,
    values: &Values,
    limit: usize,
) -> Result<Vec<u8>, Refusal> {
    let body = &transform.body;
    match body.reads().declared(head) {
        Declared::Is => {}
        Declared::IsNot => {
            let format = body.reads().as_str();
            return Err(refusal().detail(format!("The request body is not declared as {format}.")));
        }
        Declared::NotUtf8 => {
            return Err(refusal().detail("The request body is not declared as UTF-8."));
        }
    }
    let decoded = Coding::of(head).and_then(|coding| decode(coding, content, limit));
    let content = decoded.map_err(|error| match error {
        DecodeError::TooLarge => too_large(),
        DecodeError::Corrupt | DecodeError::Unsupported => {
            refusal().detail("The content coding of the request body cannot be undone.")
        }
    })?;
    let changed =
        body.apply(&content, values, limit).map_err(|error| match error.is_too_large() {
            true => too_large(),
            false => refusal()
                .detail("The request body does not have the shape that is needed here.")
                .because(error.to_string()),
        })?;
    for name in STALE {
        head.remove(name);
    }
    head.insert(CONTENT_LENGTH, changed.len().into());
    if let Some(format) = body.writes() {
        head.insert(CONTENT_TYPE, format.media_type());
    }
    Ok(changed)
}

/// Changes the headers and the query.
pub(crate) fn head(
    transform: &RequestTransform,
    head: &mut Parts,
    values: &Values,
) -> Result<(), Refusal> {
    let edited = transform.headers.apply(&mut head.headers, values);
    edited.map_err(|Unfit { name }| {
        refusal()
            .detail("A header that is made of this request cannot be sent.")
            .because(format!("{name}: its value is too long, or has control characters"))
    })?;
    if transform.query.is_empty() || !head.uri.path().starts_with('/') {
        return Ok(());
    }
    let query = transform.query.apply(head.uri.query().unwrap_or_default(), values);
    head.uri = with_query(&head.uri, &query)
        .ok_or_else(|| refusal().because("the query that is made of this request is too long"))?;
    Ok(())
}

/// A body that is larger than what is read.
pub(crate) const fn too_large() -> Refusal {
    Refusal::new(Code::ContentTooLarge).at(Stage::Transform)
}

const fn refusal() -> Refusal {
    Refusal::new(Code::RequestNotFilterable).at(Stage::Transform)
}

fn with_query(uri: &Uri, query: &str) -> Option<Uri> {
    let path = uri.path();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

// What was said of the bytes that came.
const STALE: [HeaderName; 6] = [
    CONTENT_ENCODING,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
    TRANSFER_ENCODING,
];
