//! Why a message cannot be filtered.

use std::error::Error;
use std::fmt;

use rrcore::coding::DecodeError;
use rrcore::records::RecordTooLong;
use rrcore::{Code, Refusal};

use crate::error::NotFilterable;

/// What is wrong with the content of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Coding(DecodeError),
    Document(NotFilterable),
    Record(RecordTooLong),
}

/// Why the body of a filtered response ended before its end.
///
/// A server that meets it in the middle of a body breaks the transfer off (HTTP/1: the last chunk is
/// missing; HTTP/2: the stream is reset), so that nobody takes what has left for the whole. Quotes
/// nothing of the body.
#[derive(Debug)]
pub struct BodyError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Inner(BoxError),
    Withheld(Fault),
}

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

impl Fault {
    /// Whether it is the size, and not the content, that cannot be dealt with.
    pub(crate) const fn is_size(self) -> bool {
        match self {
            Self::Coding(DecodeError::TooLarge)
            | Self::Document(NotFilterable::TooLarge)
            | Self::Record(RecordTooLong) => true,
            Self::Coding(DecodeError::Corrupt | DecodeError::Unsupported) | Self::Document(_) => {
                false
            }
        }
    }

    /// Half a sentence for the one who is told that a message was withheld.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Coding(DecodeError::TooLarge) => "it decodes to too much",
            Self::Coding(DecodeError::Corrupt | DecodeError::Unsupported) => {
                "its content coding cannot be undone"
            }
            Self::Document(NotFilterable::Json(_)) => "it is not JSON that all readers read alike",
            Self::Document(NotFilterable::NothingLeft) => "nothing of it may pass",
            Self::Document(NotFilterable::TooLarge) => "it is too long to be held as a whole",
            Self::Document(NotFilterable::NotRead) => "a path cannot look into it",
            Self::Document(NotFilterable::TooCostly) => "a path takes too long to follow in it",
            Self::Record(RecordTooLong) => "a record of it is too long",
        }
    }

    /// What a client is told instead of the response.
    pub(crate) fn of_response(self) -> Refusal {
        let refusal = match self.is_size() {
            true => Refusal::new(Code::ResponseTooLarge),
            false => not_filterable(self.why()),
        };
        refusal.because(self.to_string())
    }

    /// The code that it goes by.
    pub(crate) const fn code(self) -> Code {
        if self.is_size() { Code::ResponseTooLarge } else { Code::ResponseNotFilterable }
    }
}

pub(crate) fn not_filterable(why: &'static str) -> Refusal {
    Refusal::new(Code::ResponseNotFilterable)
        .detail(format!("The upstream's response was withheld: {why}."))
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::Coding(error)
    }
}

impl From<NotFilterable> for Fault {
    fn from(error: NotFilterable) -> Self {
        Self::Document(error)
    }
}

impl From<RecordTooLong> for Fault {
    fn from(error: RecordTooLong) -> Self {
        Self::Record(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coding(error) => error.fmt(f),
            Self::Document(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
        }
    }
}

impl BodyError {
    pub(crate) fn inner(error: impl Into<BoxError>) -> Self {
        Self { kind: Kind::Inner(error.into()) }
    }

    pub(crate) const fn withheld(fault: Fault) -> Self {
        Self { kind: Kind::Withheld(fault) }
    }

    /// Whether the rest could not be filtered; else the inner body failed, which is the
    /// [`source`](Error::source).
    #[must_use]
    pub const fn is_withheld(&self) -> bool {
        matches!(self.kind, Kind::Withheld(_))
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Inner(_) => f.write_str("the body that is filtered broke off"),
            Kind::Withheld(fault) => write!(f, "the rest was withheld: {}", fault.why()),
        }
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            Kind::Inner(error) => Some(&**error),
            Kind::Withheld(_) => None,
        }
    }
}
