//! Who needs the worker: it ends when the last of them is gone.

use std::sync::Arc;

use super::lock::lock;
use super::shared::Shared;

pub(crate) struct Owner(Arc<Shared>);

impl Owner {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        lock(&self.0.outbox).close();
    }
}
