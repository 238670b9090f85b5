//! The JSON that clients send and get: text in, parsed resources out, and back.

pub(crate) mod answer;
pub(crate) mod auth;
pub(crate) mod check;
pub(crate) mod configuration;
pub(crate) mod credential;
pub(crate) mod explanation;
pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod json;
pub(crate) mod path_options;
pub(crate) mod pattern;
pub(crate) mod patterns;
pub(crate) mod proxy;
pub(crate) mod question;
pub(crate) mod rebind;
pub(crate) mod record;
pub(crate) mod route;
pub(crate) mod rule;
pub(crate) mod secret;
pub(crate) mod target;
pub(crate) mod text;
pub(crate) mod validation;
