//! Why a configuration cannot be served.

use std::fmt;

use crate::control_plane::config::resource::Key;
use crate::control_plane::wire::fields::Flaw;

/// What cannot be served, and why.
#[derive(Debug)]
pub(crate) struct Unservable {
    pub(crate) key: Key,
    pub(crate) flaw: Flaw,
}

impl Unservable {
    pub(crate) fn new(key: &Key, pointer: &str, detail: impl Into<String>) -> Self {
        Self { key: key.clone(), flaw: Flaw::new(pointer, detail) }
    }
}

impl fmt::Display for Unservable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, flaw: Flaw { pointer, detail } } = self;
        write!(f, "{key}{pointer}: {detail}")
    }
}
