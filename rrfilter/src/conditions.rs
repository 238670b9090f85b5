//! What a filter is told of when it applies.

use std::sync::Arc;

use http::Method;

use crate::filter::Filter;
use crate::terms::{Asked, Mode, Side};

impl Filter {
    /// Applies to requests with these methods only, and to the responses to them. What holds for
    /// `GET` holds for `HEAD`.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.terms.methods = Some(methods.into_iter().collect());
        self
    }

    /// Applies where `condition` holds for the request, and to the responses to those; such as where
    /// a path fits.
    ///
    /// It is asked once for each request, when that comes.
    #[must_use]
    pub fn when(mut self, condition: impl Fn(&Asked<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.terms.when = Some(Arc::new(condition));
        self
    }

    /// [`Mode::Enforce`] unless told.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.terms.mode = mode;
        self
    }

    /// [`Side::Response`] unless told.
    #[must_use]
    pub const fn on(mut self, side: Side) -> Self {
        self.terms.side = side;
        self
    }

    /// Applies to `text/event-stream` and `application/x-ndjson` too, to each record by itself. A
    /// filter that was not told so has such a response refused.
    #[must_use]
    pub const fn streaming(mut self, streaming: bool) -> Self {
        self.terms.per_record = streaming;
        self
    }

    /// Applies to responses of every status, not only to 2xx.
    #[must_use]
    pub const fn apply_to_errors(mut self, apply: bool) -> Self {
        self.terms.errors = apply;
        self
    }

    /// Whether it applies to `request`, or to the response to it.
    #[must_use]
    pub fn applies(&self, request: &Asked<'_>) -> bool {
        let method = if request.method == Method::HEAD { &Method::GET } else { request.method };
        let has_method = |it: &Arc<[Method]>| it.contains(method) || it.contains(request.method);
        self.terms.methods.as_ref().is_none_or(has_method)
            && self.terms.when.as_ref().is_none_or(|it| it(request))
    }

    /// Whether it only reports.
    #[must_use]
    pub const fn is_shadow(&self) -> bool {
        match self.terms.mode {
            Mode::Shadow => true,
            Mode::Enforce => false,
        }
    }

    /// Which message it is for.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.terms.side
    }

    /// Whether it applies to records.
    #[must_use]
    pub const fn is_streaming(&self) -> bool {
        self.terms.per_record
    }

    /// Whether it applies to every status.
    #[must_use]
    pub const fn applies_to_errors(&self) -> bool {
        self.terms.errors
    }
}
