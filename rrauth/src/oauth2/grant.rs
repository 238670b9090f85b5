//! How a token is come by: a request, and what its answer means.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rrcore::Now;

use crate::oauth2::consent::Consent;
use crate::outbound::token::Token;

/// A way to come by tokens, for a [`TokenSource`](crate::TokenSource): from
/// [`OAuth2`](crate::OAuth2) or [`CustomToken`](crate::CustomToken).
pub struct Grant {
    pub(crate) obtain: Box<dyn Obtain>,
    pub(crate) host: Box<str>,
}

/// Asks for a token, and reads the answer.
pub(crate) trait Obtain: Send + Sync {
    fn request(&self) -> Request<Bytes>;

    /// What was issued, to a request that was sent at `asked`. An error is for the operator.
    fn read(&self, answer: &Response<Bytes>, asked: Now) -> Result<Obtained, String>;

    /// What is used up by asking, so that one asks at a time.
    fn consent(&self) -> Option<&Arc<Consent>> {
        None
    }
}

/// A token, and how long it lives, if that was said.
#[derive(Debug)]
pub(crate) struct Obtained {
    pub(crate) token: Token,
    pub(crate) life: Option<Duration>,
}

impl Grant {
    pub(crate) fn new(host: &str, obtain: impl Obtain + 'static) -> Self {
        Self { obtain: Box::new(obtain), host: host.into() }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("host", &self.host).finish_non_exhaustive()
    }
}
