//! What the head of a message says that its content is.

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};

/// How content is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Form,
    Xml,
}

/// Whether a message is declared to be of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    /// It is, in UTF-8.
    Is,
    /// It is something else, or nothing is said, or several things are.
    IsNot,
    /// It is, in another encoding.
    NotUtf8,
}

impl Format {
    /// What `headers` say.
    pub(crate) fn declared(self, headers: &HeaderMap) -> Declared {
        let mut lines = headers.get_all(CONTENT_TYPE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return Declared::IsNot };
        let Ok(text) = line.to_str() else { return Declared::IsNot };
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        if !self.is_called(&name) {
            return Declared::IsNot;
        }
        match parts.all(is_utf_8_if_charset) {
            true => Declared::Is,
            false => Declared::NotUtf8,
        }
    }

    fn is_called(self, name: &str) -> bool {
        let Some((kind, subtype)) = name.split_once('/') else { return false };
        let suffixed = |suffix| {
            let stem = subtype.strip_suffix(suffix);
            is_token(kind) && stem.is_some_and(is_token)
        };
        match self {
            Self::Json => name == "application/json" || suffixed("+json"),
            Self::Form => name == "application/x-www-form-urlencoded",
            Self::Xml => ["application/xml", "text/xml"].contains(&name) || suffixed("+xml"),
        }
    }

    /// What to declare.
    pub(crate) const fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Xml => "application/xml",
        })
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Form => "a form",
            Self::Xml => "XML",
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it))
}

fn is_utf_8_if_charset(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.trim().trim_matches('"');
    let is_utf_8 = ["utf-8", "utf8", "us-ascii"].iter().any(|it| value.eq_ignore_ascii_case(it));
    is_utf_8 || !name.trim().eq_ignore_ascii_case("charset")
}
