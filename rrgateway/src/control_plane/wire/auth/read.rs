//! Reads `auth`: what it may hold depends on its type, and on who shows it.

use crate::control_plane::wire::auth::form::{Auth, Kind, Read};
use crate::control_plane::wire::auth::{callers, fetched, signed, tokens, upstreams};
use crate::control_plane::wire::fields::{Fields, Node};
use crate::model::EgressPolicy;

impl Auth {
    /// Reads what a client sent for a credential of `kind`, and the secret in it.
    pub(crate) fn read(node: Node<'_>, kind: Kind, egress: &EgressPolicy) -> Option<Read> {
        let mut fields = node.object()?;
        let read = match kind {
            Kind::Proxy => fields.required("type", |it| it.word(&CALLERS)),
            Kind::Target => fields.required("type", |it| it.word(&UPSTREAMS)),
        };
        // Without a type, nobody can say which of the other members are wrong.
        let auth = read?(&mut fields, egress);
        fields.close();
        auth
    }
}

type Reader = fn(&mut Fields<'_>, &EgressPolicy) -> Option<Read>;

const CALLERS: [(&str, Reader); 7] = [
    ("apiKey", callers::key),
    ("bearer", callers::token),
    ("basicAuth", callers::basic),
    ("jwt", callers::jwt),
    ("jwtVerify", tokens::jwt_verify),
    ("introspection", tokens::introspection),
    ("mtls", tokens::mtls),
];
const UPSTREAMS: [(&str, Reader); 10] = [
    ("apiKey", upstreams::key),
    ("bearer", upstreams::token),
    ("basicAuth", upstreams::basic),
    ("jwt", upstreams::jwt),
    ("oauth2", fetched::oauth2),
    ("customToken", fetched::custom_token),
    ("awsSigV4", signed::aws),
    ("hmac", signed::hmac),
    ("custom", upstreams::custom),
    ("none", upstreams::nothing),
];
