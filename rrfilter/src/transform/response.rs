//! A response, changed.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{Method, StatusCode};
use rrcore::coding::{Coding, DecodeError, decode};
use rrcore::{Code, CollectError, Collected, Refusal, Stage};

use crate::head::forget_the_original;
use crate::transform::headers::Unfit;
use crate::transform::media::Declared;
use crate::transform::message::ResponseTransform;
use crate::transform::values::Values;

/// What becomes of the content of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It stays.
    Stays,
    /// There is none, but the head describes some that would have been changed.
    StaysAway,
    /// It is changed, once it is whole, and this coding undone.
    Changes(Coding),
    /// It cannot be changed, for this reason.
    Refused(&'static str),
}

pub(crate) fn fate(transform: &ResponseTransform, method: &Method, head: &Parts) -> Fate {
    let may_have_content = match head.status {
        _ if transform.body.is_empty() => return Fate::Stays,
        StatusCode::NOT_MODIFIED => return Fate::StaysAway,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT => return Fate::Stays,
        status if !status.is_success() => return Fate::Stays,
        _ => method != Method::HEAD,
    };
    match (transform.body.reads().declared(&head.headers), head.status) {
        (Declared::IsNot, _) => Fate::Stays,
        _ if !may_have_content => Fate::StaysAway,
        (_, StatusCode::PARTIAL_CONTENT | StatusCode::IM_USED) => {
            Fate::Refused("it is only a part")
        }
        (Declared::NotUtf8, _) => Fate::Refused("it is not declared as UTF-8"),
        (Declared::Is, _) => match Coding::of(&head.headers) {
            Ok(coding) => Fate::Changes(coding),
            Err(_) => Fate::Refused("its content coding is not supported"),
        },
    }
}

/// What becomes of the content, of at most `limit` bytes; `head` then describes that.
pub(crate) fn content<E>(
    transform: &ResponseTransform,
    head: &mut Parts,
    coding: Coding,
    body: Result<Collected, CollectError<E>>,
    values: &Values,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let content = body.map_err(|error| match error {
        CollectError::TooLarge => too_large(),
        CollectError::Body(_) => {
            Refusal::new(Code::UpstreamInvalidResponse).because("its body broke off")
        }
    })?;
    if content.data.is_empty() {
        return Ok(content.data);
    }
    let content = decode(coding, content.data, limit).map_err(|error| match error {
        DecodeError::TooLarge => too_large(),
        DecodeError::Corrupt | DecodeError::Unsupported => {
            not_filterable("its content coding cannot be undone")
        }
    })?;
    let changed = transform.body.apply(&content, values, limit).map_err(|error| {
        match error.is_too_large() {
            true => too_large(),
            false => not_filterable("it does not have the shape that is expected of it")
                .because(error.to_string()),
        }
    })?;
    forget_the_original(&mut head.headers);
    head.headers.insert(CONTENT_LENGTH, changed.len().into());
    if let Some(format) = transform.body.writes() {
        head.headers.insert(CONTENT_TYPE, format.media_type());
    }
    Ok(changed.into())
}

/// Changes the headers.
pub(crate) fn head(
    transform: &ResponseTransform,
    head: &mut Parts,
    values: &Values,
) -> Result<(), Refusal> {
    let edited = transform.headers.apply(&mut head.headers, values);
    edited.map_err(|Unfit { name }| {
        not_filterable("a header that is made of it cannot be sent")
            .because(format!("{name}: its value is too long, or has control characters"))
    })
}

pub(crate) fn not_filterable(why: &'static str) -> Refusal {
    Refusal::new(Code::ResponseNotFilterable)
        .at(Stage::Transform)
        .detail(format!("The upstream's response was withheld: {why}."))
}

const fn too_large() -> Refusal {
    Refusal::new(Code::ResponseTooLarge).at(Stage::Transform)
}
