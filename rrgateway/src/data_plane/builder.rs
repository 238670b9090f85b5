//! Turns each revision into routes, rebuilding only what changed, and swaps them in.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use http::HeaderValue;
use rrrules::PathOptions;

use crate::data_plane::callers::Acquaintance;
use crate::data_plane::injection::Injections;
use crate::data_plane::layers::{Callers, Layers, Shared};
use crate::data_plane::pipeline;
use crate::data_plane::route::{Route, Stages};
use crate::data_plane::route_table::RouteTable;
use crate::data_plane::router::{Live, Routes};
use crate::data_plane::upstream::{Connector, Upstream};
use crate::data_plane::vitals::Vitals;
use crate::model::{Proxy, Revision, Subscription};

/// Builds stacks. What it is made of outlives revisions.
#[derive(Debug)]
pub struct Builder {
    /// Counters and the clock.
    pub shared: Arc<Shared>,
    /// How upstreams are reached.
    pub connector: Connector,
    /// What is known of callers.
    pub acquaintance: Acquaintance,
    /// What is injected.
    pub injections: Injections,
    /// What we add to the `Via` header.
    pub via: HeaderValue,
    /// Where revisions are counted.
    pub(crate) vitals: Vitals,
}

impl Builder {
    /// Follows `subscription` until the control plane is gone; then the last revision stays.
    pub async fn follow(mut self, mut subscription: Subscription, live: Live) {
        while let Some(revision) = subscription.next().await {
            let number = revision.number;
            match self.build(&revision, live.current().as_deref()) {
                Ok(routes) => {
                    live.swap(Arc::new(routes));
                    subscription.accept(number);
                    self.vitals.revision(true);
                    tracing::info!(revision = number, proxies = revision.proxies.len(), "serving");
                    self.connector.fetch_roots();
                }
                Err(error) => {
                    tracing::error!(revision = number, %error, "a revision was refused");
                    subscription.reject(number, error.to_string());
                    self.vitals.revision(false);
                }
            }
        }
    }

    fn build(&mut self, revision: &Revision, before: Option<&Routes>) -> anyhow::Result<Routes> {
        let mut table =
            HashMap::with_capacity_and_hasher(revision.proxies.len(), RandomState::default());
        for proxy in &revision.proxies {
            let old = before.and_then(|it| it.table.get(&proxy.id));
            // One without its secret is made anew: it may be had by now.
            let same = old.filter(|it| {
                it.proxy.digest == proxy.digest && self.injections.has(&proxy.credential)
            });
            let route = match same {
                Some(route) => {
                    // It stays in use.
                    self.injections.of(&proxy.credential);
                    Arc::clone(route)
                }
                None => Arc::new(self.route(proxy)),
            };
            // What serves already goes on without a pause, and knows what its counts are called.
            if old.is_some_and(|it| it.is_in_use()) {
                route.stages();
            }
            table.insert(Arc::clone(&proxy.id), route);
        }
        self.injections.settle();
        let aliased =
            revision.proxies.iter().filter_map(|it| Some((it.alias.clone()?, it.id.clone())));
        Ok(Routes {
            revision: revision.number,
            table,
            aliases: aliased.collect(),
            patterns: RouteTable::new(&revision.proxies)?,
            readings: readings(&revision.proxies),
            callers: revision.callers.clone(),
        })
    }

    fn route(&mut self, proxy: &Arc<Proxy>) -> Route {
        let injection = self.injections.of(&proxy.credential);
        let upstream = Upstream::new(Arc::clone(proxy), &self.connector, self.via.clone());
        let verifiers = self.acquaintance.of(&proxy.authentication);
        let (of, shared, calls) = (Arc::clone(proxy), Arc::clone(&self.shared), upstream.clone());
        Route::new(Arc::clone(proxy), upstream, move || {
            let callers = Callers::of(&of, &shared, &verifiers);
            let layers = Layers::of(&of, &shared, callers, Arc::clone(&injection));
            Stages { stack: pipeline::route(&layers, calls.clone()), layers }
        })
    }
}

// There are eight at the most.
fn readings(proxies: &[Arc<Proxy>]) -> Vec<PathOptions> {
    let mut readings = vec![PathOptions::strict()];
    for proxy in proxies.iter().filter(|it| !it.routes.is_empty()) {
        let options = proxy.target.path_options;
        if !readings.contains(&options) {
            readings.push(options);
        }
    }
    readings
}
