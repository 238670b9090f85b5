//! The configuration as data: what it consists of, what a write makes of it, what is served.

pub(crate) mod activity;
pub(crate) mod binding;
pub(crate) mod callers;
pub(crate) mod change;
pub(crate) mod change_error;
pub(crate) mod common;
pub(crate) mod comparison;
pub(crate) mod compile;
pub(crate) mod document;
pub(crate) mod draft;
pub(crate) mod identifier;
pub(crate) mod lint;
pub(crate) mod made;
pub(crate) mod memo;
pub(crate) mod outcome;
pub(crate) mod proposal;
pub(crate) mod reference;
pub(crate) mod resource;
pub(crate) mod rotation;
pub(crate) mod routes;
pub(crate) mod scopes;
pub(crate) mod secret;
pub(crate) mod shown;
pub(crate) mod snapshot;
pub(crate) mod unservable;
