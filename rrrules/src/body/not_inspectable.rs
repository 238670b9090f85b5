//! A body that rules cannot judge, and why.

/// Why nobody can say what the body asks for. Says nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The body cannot be inspected: {0}.")]
pub(crate) struct NotInspectable(pub(super) &'static str);

impl NotInspectable {
    /// A few words, for the trail and for explanations.
    pub(crate) const fn reason(self) -> &'static str {
        self.0
    }
}
