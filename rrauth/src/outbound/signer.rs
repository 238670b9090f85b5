//! Who signs requests to the upstream.

use std::fmt;
use std::time::Duration;

use http::HeaderName;
use http::request::Parts;
use rrcore::InjectedSecret;

/// Signs requests to the upstream with a key that it holds.
///
/// It is asked last, when nothing else of the request will change: what it sees is what goes
/// upstream. It must answer at once (a key that has to be fetched is fetched elsewhere), and it may
/// be asked twice for one request.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use http::request::Parts;
/// use http::{HeaderName, HeaderValue};
/// use rrauth::{Injection, Sign, SignError};
/// use rrcore::InjectedSecret;
///
/// static HEADERS: [HeaderName; 1] = [HeaderName::from_static("x-sum")];
///
/// /// No signature: whoever sees it can make one as well.
/// #[derive(Debug)]
/// struct Sum;
///
/// impl Sign for Sum {
///     fn headers(&self) -> &[HeaderName] {
///         &HEADERS
///     }
///
///     fn needs_body(&self) -> bool {
///         true
///     }
///
///     fn sign(
///         &self,
///         head: &mut Parts,
///         body: Option<&[u8]>,
///         wall: Duration,
///     ) -> Result<Vec<InjectedSecret>, SignError> {
///         let body = body.ok_or_else(|| SignError::new("there is no body"))?;
///         let sum: u64 = body.iter().copied().map(u64::from).sum();
///         head.headers.insert("x-sum", HeaderValue::from(sum + wall.as_secs()));
///         Ok(Vec::new())
///     }
/// }
///
/// let injection = Injection::signed(Arc::new(Sum));
/// assert_eq!(format!("{injection:?}"), "Injection::signed(Sum)");
/// ```
pub trait Sign: fmt::Debug + Send + Sync + 'static {
    /// Every header that [`Sign::sign`] may write. What the client sent under these names, or under
    /// names that read like them, is gone before it is asked.
    fn headers(&self) -> &[HeaderName];

    /// Whether the signature covers the body. Asked per request, so it must not cost anything.
    ///
    /// Where it does, [`InjectLayer::bodies`](crate::InjectLayer::bodies) reads the body first;
    /// without that, only what an outer stage has read can be signed, and other requests are
    /// refused with 503 `credential-unavailable`.
    fn needs_body(&self) -> bool;

    /// Puts the signature onto `head`, whose `Host` or URI names the upstream; of `head`, change
    /// nothing but the headers that [`Sign::headers`] names.
    ///
    /// `body` is the whole body, byte for byte as it goes upstream, and always there where
    /// [`Sign::needs_body`]; otherwise only if it was read already. `wall` is the time since the
    /// Unix epoch, read now and not when the request arrived.
    ///
    /// Returned is what must not come back from the upstream: secrets that went there as they are,
    /// such as a session token, and signatures that could be used again.
    ///
    /// # Errors
    /// When this request cannot be signed: it is refused with 503 `credential-unavailable`, whatever
    /// was written onto `head`.
    fn sign(
        &self,
        head: &mut Parts,
        body: Option<&[u8]>,
        wall: Duration,
    ) -> Result<Vec<InjectedSecret>, SignError>;
}

/// A request could not be signed. For the operator: callers never see it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SignError {
    reason: String,
}

impl SignError {
    /// For the operator. Say what is wrong, and nothing of key or body.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
