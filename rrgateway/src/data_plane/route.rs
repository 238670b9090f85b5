//! A proxy, ready to serve: its stack is made when a request first asks for it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::data_plane::layers::Layers;
use crate::data_plane::stack::RouteStack;
use crate::data_plane::upstream::Upstream;
use crate::model::Proxy;

/// A proxy, ready to serve.
pub struct Route {
    /// What it was built from.
    pub proxy: Arc<Proxy>,
    /// Where requests go.
    pub upstream: Upstream,
    make: Box<dyn Fn() -> Stages + Send + Sync>,
    stages: OnceLock<Stages>,
}

/// The stages of a proxy.
pub struct Stages {
    /// All of them, above its upstream.
    pub stack: RouteStack,
    /// Each by itself, to be asked what it would do.
    pub layers: Layers,
}

impl Route {
    /// `proxy`, whose stages `make` makes. That cannot fail: what can was done before, so that a
    /// revision is taken whole or not at all.
    pub fn new(
        proxy: Arc<Proxy>,
        upstream: Upstream,
        make: impl Fn() -> Stages + Send + Sync + 'static,
    ) -> Self {
        Self { proxy, upstream, make: Box::new(make), stages: OnceLock::new() }
    }

    /// Its stages, made now if nobody has asked before.
    pub fn stages(&self) -> &Stages {
        self.stages.get_or_init(&self.make)
    }

    /// Whether anybody has asked for its stages.
    pub fn is_in_use(&self) -> bool {
        self.stages.get().is_some()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("proxy", &self.proxy.id).finish_non_exhaustive()
    }
}
