//! What a layer decides by: fixed when it is built, or replaced while it runs.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard as SwapGuard};

/// Replaces a policy under running layers, without rebuilding the service around them.
///
/// All clones are the same handle. A request decides by the policy that is in force when its
/// layer looks; it never sees half of two.
///
/// ```
/// use rrcore::{Current, Handle};
///
/// let handle = Handle::new("ten a minute");
/// let in_a_layer: Current<&str> = handle.clone().into();
/// assert_eq!(*in_a_layer.get(), "ten a minute");
/// handle.set("twenty a minute");
/// assert_eq!(*in_a_layer.get(), "twenty a minute");
/// ```
pub struct Handle<T> {
    shared: Arc<ArcSwap<T>>,
}

impl<T> Handle<T> {
    /// A handle on `policy`.
    pub fn new(policy: T) -> Self {
        Self { shared: Arc::new(ArcSwap::from_pointee(policy)) }
    }

    /// Puts `policy` in force, from the next decision on.
    pub fn set(&self, policy: impl Into<Arc<T>>) {
        self.shared.store(policy.into());
    }

    /// The policy in force.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        self.shared.load_full()
    }
}

/// A policy as a layer holds it: from a value or an `Arc`, which stay, or from a [`Handle`].
pub struct Current<T> {
    source: Source<T>,
}

enum Source<T> {
    Fixed(Arc<T>),
    Live(Handle<T>),
}

impl<T> Current<T> {
    /// The policy in force. Takes no lock; hold it for one decision.
    #[must_use]
    pub fn get(&self) -> Guard<'_, T> {
        match &self.source {
            Source::Fixed(policy) => Guard { held: Held::Fixed(policy) },
            Source::Live(handle) => Guard { held: Held::Live(handle.shared.load()) },
        }
    }

    /// The policy in force, to keep.
    #[must_use]
    pub fn to_arc(&self) -> Arc<T> {
        match &self.source {
            Source::Fixed(policy) => Arc::clone(policy),
            Source::Live(handle) => handle.get(),
        }
    }
}

/// The policy in force, for one decision.
pub struct Guard<'a, T> {
    held: Held<'a, T>,
}

enum Held<'a, T> {
    Fixed(&'a T),
    Live(SwapGuard<Arc<T>>),
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.held {
            Held::Fixed(policy) => policy,
            Held::Live(policy) => policy,
        }
    }
}

impl<T> From<T> for Current<T> {
    fn from(policy: T) -> Self {
        Arc::new(policy).into()
    }
}

impl<T> From<Arc<T>> for Current<T> {
    fn from(policy: Arc<T>) -> Self {
        Self { source: Source::Fixed(policy) }
    }
}

impl<T> From<Handle<T>> for Current<T> {
    fn from(handle: Handle<T>) -> Self {
        Self { source: Source::Live(handle) }
    }
}

// By hand: what is shared need not be `Clone`.
impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        let source = match &self.source {
            Source::Fixed(policy) => Source::Fixed(Arc::clone(policy)),
            Source::Live(handle) => Source::Live(handle.clone()),
        };
        Self { source }
    }
}

impl<T: fmt::Debug> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&*self.shared.load()).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for Current<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (*self.get()).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
