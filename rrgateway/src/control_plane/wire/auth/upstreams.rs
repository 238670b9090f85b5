//! Secrets that the gateway shows the upstream as they are.

use std::collections::HashSet;

use crate::control_plane::wire::auth::callers::{signed, username};
use crate::control_plane::wire::auth::form::{Auth, BEARER, DEFAULT_HEADER, Read};
use crate::control_plane::wire::auth::names::{
    header_name, no_prefix, parameter_name, prefix, usable,
};
use crate::control_plane::wire::auth::parts::Place;
use crate::control_plane::wire::fields::Fields;
use crate::control_plane::wire::secret;
use crate::model::EgressPolicy;

pub(super) fn key(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let key = fields.optional("key", secret::upstream_secret);
    let places = [("header", Place::Header), ("query", Place::Query)];
    let place = fields.or("in", Place::Header, |it| it.word(&places));
    let (name, prefix) = match place? {
        Place::Header => (
            fields.or("name", DEFAULT_HEADER.to_owned(), header_name),
            fields.or("prefix", String::new(), prefix),
        ),
        Place::Query => (fields.required("name", parameter_name), no_prefix(fields, "")),
    };
    Some((Auth::ApiKey { place: place?, name: name?, prefix: prefix? }, key?))
}

pub(super) fn token(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let token = fields.optional("token", secret::upstream_secret);
    let prefix = fields.or("prefix", BEARER.to_owned(), prefix);
    Some((Auth::Bearer { prefix: prefix? }, token?))
}

pub(super) fn jwt(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let token = fields.optional("token", |it| signed(secret::upstream_secret, it));
    let prefix = fields.or("prefix", BEARER.to_owned(), prefix);
    Some((Auth::Jwt { prefix: prefix? }, token?))
}

pub(super) fn basic(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let password = fields.optional("password", secret::password);
    let username = fields.required("username", username);
    let (username, password) = (username?, password?);
    if username.is_empty() && password.as_ref().is_some_and(|it| it.is_empty()) {
        return fields.flaw("password", "this is empty, and so is the user name");
    }
    Some((Auth::Basic { username }, password))
}

pub(super) fn custom(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let headers = fields.optional("headers", |it| {
        let mut seen = HashSet::new();
        it.table(MOST_HEADERS, |name, node| {
            let known = usable(name).map(|it| seen.insert(it));
            match known {
                Err(why) => node.flaw(why),
                Ok(false) => node.flaw("this header is named twice"),
                Ok(true) => Some((name.to_owned(), secret::upstream_secret(node)?)),
            }
        })
    });
    let (names, secret) = match headers? {
        None => (Vec::new(), None),
        Some(headers) => {
            let text = secret::table(headers.iter().map(|(name, it)| (name.as_str(), it.as_str())));
            (headers.into_iter().map(|(name, _)| name).collect(), Some(text))
        }
    };
    Some((Auth::Custom { headers: names }, secret))
}

#[expect(clippy::unnecessary_wraps, reason = "as the others, which may find flaws")]
pub(super) fn nothing(_: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    Some((Auth::None {}, None))
}

pub(super) const MOST_HEADERS: usize = 20;
