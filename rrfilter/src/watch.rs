//! Looks at a body that passes as it is, for filters that only report.

use bytes::Bytes;
use rrcore::{Outcome, Stage};

use crate::flow::Flow;

/// Reports when the body ends, or is dropped.
pub(crate) struct Watch {
    flow: Flow,
    context: rrcore::Context,
    // It met what it cannot filter: what was seen before is what there is to say.
    is_blind: bool,
}

impl Watch {
    pub(crate) const fn new(flow: Flow, context: rrcore::Context) -> Self {
        Self { flow, context, is_blind: false }
    }

    pub(crate) fn see(&mut self, data: &Bytes) {
        if self.is_blind {
            return;
        }
        self.flow.feed(data.clone());
        while !self.flow.is_hungry() && !self.is_blind {
            self.is_blind = self.flow.step().is_err();
        }
    }

    pub(crate) fn end(mut self) {
        if !self.is_blind {
            self.is_blind = self.flow.end().is_err();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.context.record(Stage::Filter, Outcome::Passed, self.flow.facts());
    }
}
