//! Whether all routes, over all proxies, can stand beside each other.

use std::collections::HashMap;

use matchit::{InsertError, Router};

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::resource::Key;
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::proxy::Proxy;
use crate::control_plane::wire::route::Route;

/// The routes of one host, by pattern: each pattern is in the router once.
#[derive(Default)]
struct Host<'a> {
    router: Router<()>,
    by_pattern: HashMap<&'a str, Vec<(&'a str, &'a Route)>>,
}

/// Whether the routes of `proxy` can stand in `config` as those of `key`.
pub(crate) fn check(config: &Config, key: &Key, proxy: &Proxy) -> Result<(), Refused> {
    if proxy.routes.is_empty() {
        return Ok(());
    }
    let mut hosts: HashMap<Option<&str>, Host<'_>> = HashMap::new();
    let others = config.list(&key.collection, 0).filter(|it| it.key != *key);
    for (id, route) in others
        .filter_map(|it| it.spec.as_proxy().map(|proxy| (&*it.key.id, proxy)))
        .flat_map(|(id, proxy)| proxy.routes.iter().map(move |route| (id, route)))
    {
        // These stand beside each other already, in whatever order.
        let added = hosts.entry(route.host.as_deref()).or_default().add(id, route);
        added.map_err(|why| Refused::Conflict(Flaw::new("/routes", why)))?;
    }
    for (index, route) in proxy.routes.iter().enumerate() {
        let added = hosts.entry(route.host.as_deref()).or_default().add(&key.id, route);
        added.map_err(|why| Refused::Conflict(Flaw::new(format!("/routes/{index}/path"), why)))?;
    }
    Ok(())
}

impl<'a> Host<'a> {
    fn add(&mut self, proxy: &'a str, route: &'a Route) -> Result<(), String> {
        let same = self.by_pattern.entry(&route.path).or_default();
        if same.is_empty() {
            self.router.insert(route.path.as_str(), ()).map_err(|it| match it {
                InsertError::Conflict { with } => {
                    format!("requests could not be told from those for the route {with}")
                }
                other => other.to_string(),
            })?;
        }
        if let Some((taken, _)) = same.iter().find(|(_, it)| it.shares_a_method(route)) {
            return Err(format!("proxy {taken} has this route, with a method of this one"));
        }
        same.push((proxy, route));
        Ok(())
    }
}
