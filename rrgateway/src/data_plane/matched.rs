//! Which of its routes has brought a request to a proxy.

use std::sync::Arc;

/// The route that a request came by: a request extension.
#[derive(Clone, Debug)]
pub struct Matched {
    /// Its path, as it was written.
    pub pattern: Arc<str>,
}
