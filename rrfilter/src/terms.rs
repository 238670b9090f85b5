//! When a filter applies, and to what.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, HeaderMap, Method, Request, Uri};

/// What a filter does with what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Its operation.
    Enforce,
    /// Nothing: it is only reported what it would have done.
    Shadow,
}

/// Which message a filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// What goes to the upstream ([`RequestFilterLayer`](crate::RequestFilterLayer)).
    Request,
    /// What comes back ([`FilterLayer`](crate::FilterLayer)).
    Response,
}

/// The request that a filter is asked about ([`Filter::when`](crate::Filter::when)).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Where it goes.
    pub uri: &'a Uri,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// What earlier stages left.
    pub extensions: &'a Extensions,
}

/// What is known of a filter beside its paths.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) methods: Option<Arc<[Method]>>,
    pub(crate) when: Option<Arc<When>>,
    pub(crate) mode: Mode,
    pub(crate) side: Side,
    pub(crate) per_record: bool,
    pub(crate) errors: bool,
}

pub(crate) type When = dyn Fn(&Asked<'_>) -> bool + Send + Sync;

impl<'a> Asked<'a> {
    /// A request by its parts.
    #[must_use]
    pub const fn new(
        method: &'a Method,
        uri: &'a Uri,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        Self { method, uri, headers, extensions }
    }

    /// `request`, whatever its body.
    pub fn of<B>(request: &'a Request<B>) -> Self {
        Self::new(request.method(), request.uri(), request.headers(), request.extensions())
    }
}

impl Terms {
    /// Applies to all responses.
    pub(crate) const fn new() -> Self {
        Self {
            methods: None,
            when: None,
            mode: Mode::Enforce,
            side: Side::Response,
            per_record: false,
            errors: false,
        }
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms")
            .field("methods", &self.methods)
            .field("when", &self.when.is_some())
            .field("mode", &self.mode)
            .field("side", &self.side)
            .field("per_record", &self.per_record)
            .field("errors", &self.errors)
            .finish()
    }
}
