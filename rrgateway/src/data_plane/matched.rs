//! Which of its routes has brought a request to a proxy.

use std::sync::Arc;

/// The route that a request came by: a request extension.
#[derive(Clone, Debug)]
pub struct Matched {
    /// Its path, as it was written.
    pub pattern: Arc<str>,
    /// The names in it, with what stands for them in the path.
    pub parameters: Vec<(String, String)>,
}

impl Matched {
    /// What stands for `{name}` in the path, as it is there.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters.iter().find(|it| it.0 == name).map(|it| it.1.clone())
    }
}
