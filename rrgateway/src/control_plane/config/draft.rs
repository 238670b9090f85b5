//! A resource as a client sent it: read, but not yet held against the rest.

use crate::control_plane::config::resource::Kind;
use crate::control_plane::wire::configuration::Configuration;
use crate::control_plane::wire::credential::CredentialDraft;
use crate::control_plane::wire::fields::{Flaw, Flaws};
use crate::control_plane::wire::filter::Filter;
use crate::control_plane::wire::json::Json;
use crate::control_plane::wire::meter::Meter;
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::proxy::{Proxy, ProxyDraft};
use crate::control_plane::wire::rebind::Rebind;
use crate::control_plane::wire::rule::Rule;
use crate::control_plane::wire::target::Target;
use crate::model::EgressPolicy;

/// A resource as a client sent it.
#[derive(Debug)]
pub(crate) enum Draft {
    Credential(CredentialDraft),
    Target { target: Target, rebind: Option<Rebind> },
    Proxy(ProxyDraft),
    Rule(Rule),
    Filter(Filter),
    Meter(Meter),
    Configuration(Configuration),
}

impl Draft {
    /// Reads a resource of `kind`. Compiles patterns: keep it off the threads that serve.
    pub(crate) fn read(kind: Kind, json: Json, egress: &EgressPolicy) -> Result<Self, Vec<Flaw>> {
        let draft = Flaws::read(json, |node| match kind {
            Kind::Credential => CredentialDraft::read(node, egress).map(Self::Credential),
            Kind::Target => {
                Target::read(node, egress).map(|(target, rebind)| Self::Target { target, rebind })
            }
            Kind::Proxy => Proxy::read(node, egress).map(Self::Proxy),
            Kind::Rule => Rule::read(node).map(Self::Rule),
            Kind::Filter => Filter::read(node).map(Self::Filter),
            Kind::Meter => Meter::read(node).map(Self::Meter),
            Kind::Configuration => Configuration::read(node).map(Self::Configuration),
        })?;
        let compiles = match &draft {
            Self::Filter(it) => it.compiled("", &Patterns::default()).map(drop),
            // The patterns of rules and meters were compiled when they were read.
            Self::Credential(_)
            | Self::Target { .. }
            | Self::Proxy(_)
            | Self::Rule(_)
            | Self::Meter(_)
            | Self::Configuration(_) => Ok(()),
        };
        compiles.map(|()| draft).map_err(|it| vec![it])
    }
}
