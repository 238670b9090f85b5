//! What a layer and its services hold requests to.

use http::request::Parts;
use rrcore::Clock;
use smallvec::SmallVec;

use crate::charge::Charge;
use crate::quota::{Due, Quota};

/// Behind one pointer, as each clone of a service has it.
#[derive(Clone, Debug)]
pub(crate) struct Settings<St> {
    pub(crate) store: St,
    pub(crate) first: Vec<Quota>,
    // There is always one: what is said of the last quota is never said of none.
    pub(crate) last: Quota,
    pub(crate) clock: Clock,
    pub(crate) counts_refused: bool,
    pub(crate) legacy_headers: bool,
}

impl<St> Settings<St> {
    pub(crate) fn quotas(&self) -> impl Iterator<Item = &Quota> {
        self.first.iter().chain([&self.last])
    }

    /// What each quota that is about the request charges for it.
    pub(crate) fn dues(&self, head: &Parts) -> Dues {
        self.quotas().filter_map(|it| it.due(head)).collect()
    }
}

/// What one request is charged by all quotas.
pub(crate) type Dues = SmallVec<[Due; 2]>;

pub(crate) fn charges(dues: &Dues) -> SmallVec<[Charge<'_>; 2]> {
    dues.iter().map(Due::charge).collect()
}
