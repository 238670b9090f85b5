//! Turns each revision into routes, rebuilding only what changed, and swaps them in.

use std::collections::HashMap;
use std::sync::Arc;

use rrauth::Injection;

use crate::data_plane::pipeline::{self, Shared};
use crate::data_plane::router::{Live, Route, Routes};
use crate::data_plane::secrets::Secrets;
use crate::data_plane::upstream::{Connector, Upstream};
use crate::model::{Presentation, Proxy, Revision, Subscription, TargetCredential};

/// Builds stacks. What it is made of outlives revisions.
#[derive(Debug)]
pub struct Builder {
    /// Counters and the clock.
    pub shared: Shared,
    /// How upstreams are reached.
    pub connector: Connector,
    /// What is injected.
    pub secrets: Secrets,
    /// What we are called in `Via`.
    pub via: String,
}

impl Builder {
    /// Follows `subscription` until the control plane is gone; then the last revision stays.
    pub async fn follow(self, mut subscription: Subscription, live: Live) {
        while let Some(revision) = subscription.next().await {
            let number = revision.number;
            match self.build(&revision, live.current().as_deref()) {
                Ok(routes) => {
                    live.swap(Arc::new(routes));
                    subscription.accept(number);
                    tracing::info!(revision = number, proxies = revision.proxies.len(), "serving");
                }
                Err(error) => {
                    tracing::error!(revision = number, %error, "a revision was refused");
                    subscription.reject(number, error.to_string());
                }
            }
        }
    }

    fn build(&self, revision: &Revision, before: Option<&Routes>) -> anyhow::Result<Routes> {
        let mut table = HashMap::with_capacity(revision.proxies.len());
        for proxy in &revision.proxies {
            let old = before.and_then(|it| it.table.get(&proxy.id));
            let route = match old.filter(|it| it.proxy.digest == proxy.digest) {
                Some(route) => route.clone(),
                None => self.route(proxy)?,
            };
            table.insert(Arc::clone(&proxy.id), route);
        }
        Ok(Routes { revision: revision.number, table })
    }

    fn route(&self, proxy: &Arc<Proxy>) -> anyhow::Result<Route> {
        let injection = Arc::new(self.injection(&proxy.credential));
        let upstream = Upstream::new(Arc::clone(proxy), &self.connector, &self.via)?;
        let stack = pipeline::route(proxy, &self.shared, injection, upstream);
        Ok(Route { proxy: Arc::clone(proxy), stack })
    }

    // A credential that cannot be had costs its own proxies 503, not the whole revision: the
    // others have to go on.
    fn injection(&self, credential: &TargetCredential) -> Injection {
        if !credential.active {
            return Injection::unavailable("the target credential is switched off");
        }
        self.open(credential).unwrap_or_else(|error| {
            tracing::error!(secret = ?credential.secret, %error, "a target credential is unusable");
            Injection::unavailable(error.to_string())
        })
    }

    fn open(&self, credential: &TargetCredential) -> anyhow::Result<Injection> {
        let reveal = || {
            let name = credential.secret.as_ref();
            let name = name.ok_or_else(|| anyhow::anyhow!("the credential names no secret"))?;
            self.secrets.reveal(name)
        };
        Ok(match &credential.present {
            Presentation::None => Injection::none(),
            Presentation::Header { name, prefix } => {
                Injection::header(name.clone(), prefix, std::str::from_utf8(&reveal()?)?)?
            }
            Presentation::Query { name } => {
                Injection::query(name, std::str::from_utf8(&reveal()?)?)?
            }
        })
    }
}
