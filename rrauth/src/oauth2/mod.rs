//! Upstream tokens that are fetched, kept fresh, and fetched again: OAuth 2.0 and custom endpoints.

pub(crate) mod answer;
pub(crate) mod code_flow;
pub(crate) mod consent;
pub(crate) mod custom;
pub(crate) mod document;
pub(crate) mod endpoint;
pub(crate) mod flight;
pub(crate) mod form;
pub(crate) mod grant;
pub(crate) mod invalid;
pub(crate) mod pkce;
pub(crate) mod registered;
pub(crate) mod registration;
pub(crate) mod schedule;
pub(crate) mod source;
pub(crate) mod standard;
