//! What a layer was told.

use bytes::Bytes;
use http::Request;
use rrcore::{Budget, BufferedBody, Clock, Code, Current, ReadBody, Refusal};

use crate::transform::message::Transform;
use crate::transform::sources::Sources;

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) transform: Current<Transform>,
    pub(crate) sources: Sources,
    pub(crate) max_body_bytes: usize,
    pub(crate) max_buffered_bytes: usize,
    pub(crate) budget: Option<Budget>,
    pub(crate) clock: Clock,
}

impl Policy {
    pub(crate) fn new(transform: Current<Transform>) -> Self {
        Self {
            transform,
            sources: Sources::default(),
            max_body_bytes: 1 << 20,
            max_buffered_bytes: 8 << 20,
            budget: None,
            clock: Clock::system(),
        }
    }

    pub(crate) fn read<B>(&self, request: Request<B>) -> ReadBody<B> {
        let read = BufferedBody::read(request, self.max_body_bytes);
        match &self.budget {
            Some(budget) => read.budget(budget),
            None => read,
        }
    }

    /// Counts what a body has become.
    pub(crate) fn hold(&self, content: Vec<u8>) -> Result<Bytes, Refusal> {
        let content = Bytes::from(content);
        let Some(budget) = &self.budget else { return Ok(content) };
        let overloaded = || Refusal::new(Code::Overloaded).because("no memory left for bodies");
        budget.hold(content).ok_or_else(overloaded)
    }
}
