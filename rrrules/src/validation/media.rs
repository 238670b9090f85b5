//! Media types: what a message says it is, and what a document lists.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// A media type (RFC 9110 §8.3.1): type, subtype and, of the parameters, the charset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    kind: String,
    subtype: String,
    charset: Option<String>,
}

/// What the headers of a message say about its media type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stated {
    /// Nothing.
    Nothing,
    /// This.
    Type(MediaType),
    /// Several things, or nothing that can be read.
    Unclear,
}

/// A media type or range of them, as an OpenAPI document lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    kind: String,
    subtype: String,
}

impl MediaType {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let (kind, subtype) = (token(kind)?, token(subtype)?);
        let mut charset = None;
        for parameter in parts.filter(|it| !it.is_empty()) {
            let (name, value) = parameter.split_once('=')?;
            if name.eq_ignore_ascii_case("charset") {
                // Twice is not a charset.
                if charset.is_some() {
                    return None;
                }
                charset = Some(value.trim_matches('"').to_ascii_lowercase());
            }
        }
        Some(Self { kind, subtype, charset })
    }

    /// `application/json`, or any type that is JSON by its suffix (RFC 6839 §3.1).
    pub(super) fn is_json(&self) -> bool {
        self.is("application", "json") || self.subtype.ends_with("+json")
    }

    pub(super) fn is_form(&self) -> bool {
        self.is("application", "x-www-form-urlencoded")
    }

    /// Whether its text is UTF-8, as far as it says.
    pub(super) fn is_utf8(&self) -> bool {
        self.charset.as_deref().is_none_or(|it| matches!(it, "utf-8" | "utf8"))
    }

    fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }
}

impl Stated {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(CONTENT_TYPE).iter();
        let Some(line) = lines.next() else { return Self::Nothing };
        let parsed = line.to_str().ok().and_then(MediaType::parse);
        match (parsed, lines.next()) {
            (Some(media), None) => Self::Type(media),
            (None, _) | (_, Some(_)) => Self::Unclear,
        }
    }
}

impl Range {
    /// Parameters are not looked at.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default();
        let (kind, subtype) = essence.trim().split_once('/')?;
        let (kind, subtype) = (token(kind)?, token(subtype)?);
        let is_range = kind == "*" && subtype != "*" || kind.len() > 1 && kind.contains('*');
        (!is_range).then_some(Self { kind, subtype })
    }

    /// How exactly `media` is meant: the greatest decides; `None` if it is not.
    pub(super) fn fit(&self, media: &MediaType) -> Option<u8> {
        if media.is(&self.kind, &self.subtype) {
            return Some(3);
        }
        let any_kind = self.kind == "*";
        if !any_kind && self.kind != media.kind {
            return None;
        }
        match self.subtype.strip_prefix('*')? {
            "" if any_kind => Some(0),
            "" => Some(1),
            suffix => media.subtype.ends_with(suffix).then_some(2),
        }
    }
}

// RFC 9110 §5.6.2, in lower case.
fn token(text: &str) -> Option<String> {
    let is_token = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
    (!text.is_empty() && text.bytes().all(is_token)).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_range_decides() {
        check("application/json", "application/json", Some(3));
        check("Application/JSON; v=1", "application/json; charset=utf-8", Some(3));
        check("application/*+json", "application/problem+json", Some(2));
        check("application/*", "application/json", Some(1));
        check("*/*", "text/plain", Some(0));
        check("application/json", "application/problem+json", None);
        check("application/*", "text/plain", None);
        check("application/*+json", "application/json", None);
    }

    #[test]
    fn what_cannot_be_read_is_no_type() {
        for text in ["", "json", "a/", "/b", "a/b c", "a/b; charset", "a/b; charset=a; charset=b"] {
            assert_eq!(MediaType::parse(text), None, "{text}");
        }
        for text in ["*/json", "app*/json", "json"] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }

    #[track_caller]
    fn check(range: &str, media: &str, expected: Option<u8>) {
        let media = MediaType::parse(media).unwrap();
        assert_eq!(Range::parse(range).unwrap().fit(&media), expected, "{range} {media:?}");
    }
}
