//! How a token is shown to the upstream.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Uri};
use rrcore::Refusal;
use zeroize::Zeroizing;

use crate::names;
use crate::outbound::refusal::{self, unavailable};
use crate::outbound::sendable::{self, InvalidInjection};
use crate::outbound::token::Token;
use crate::query::{self, Unwritable};

/// Where a token that is fetched goes on a request.
///
/// ```
/// use rrauth::Presentation;
///
/// let usual = Presentation::bearer();
/// let odd = Presentation::header("x-api-key".parse()?, "Token ")?;
/// assert!(Presentation::header("host".parse()?, "").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Presentation {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Header { name: HeaderName, prefix: Box<str> },
    Query { name: Box<str> },
}

impl Presentation {
    /// In `Authorization`, after `Bearer` and a space (RFC 6750 §2.1).
    #[must_use]
    pub fn bearer() -> Self {
        Self { place: Place::Header { name: AUTHORIZATION, prefix: "Bearer ".into() } }
    }

    /// In the header `name`, after `prefix`.
    ///
    /// # Errors
    /// As for [`Injection::header`](crate::Injection::header).
    pub fn header(name: HeaderName, prefix: &str) -> Result<Self, InvalidInjection> {
        sendable::check_name(&name)?;
        sendable::check_prefix(prefix)?;
        Ok(Self { place: Place::Header { name, prefix: prefix.into() } })
    }

    /// In the query parameter `name`.
    ///
    /// # Errors
    /// As for [`Injection::query`](crate::Injection::query).
    pub fn query(name: &str) -> Result<Self, InvalidInjection> {
        sendable::check_parameter(name)?;
        Ok(Self { place: Place::Query { name: name.into() } })
    }

    /// Puts `token` where every client's copy has been removed.
    pub(crate) fn write(
        &self,
        token: &Token,
        headers: &mut HeaderMap,
        uri: &mut Uri,
    ) -> Result<(), Refusal> {
        match &self.place {
            Place::Header { name, prefix } => {
                let line = token.line(prefix).ok_or_else(|| unavailable("it cannot be sent"))?;
                names::remove_alike(headers, name);
                refusal::set(headers, name, line)
            }
            Place::Query { name } => {
                let (key, value) = (query::encoded(name), query::encoded(token.text()));
                let pair = Zeroizing::new(format!("{}={}", *key, *value));
                let set = query::set(uri, name, &pair);
                set.map_err(|Unwritable| unavailable(refusal::NO_QUERY))
            }
        }
    }
}
