//! What is served, and what of it a change of the configuration leaves as it is.

use std::collections::HashSet;
use std::sync::Arc;

use crate::control_plane::config::common::Common;
use crate::control_plane::config::resource::{Collection, Kind, Resource};
use crate::control_plane::config::snapshot::Config;
use crate::model::Proxy;

/// What was made of a configuration.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) config: Config,
    pub(crate) common: Common,
    /// In order of creation, each with what it says.
    pub(crate) proxies: Vec<Made>,
}

/// A proxy, and the resource that it was made of.
pub(crate) type Made = (Arc<Resource>, Arc<Proxy>);

/// The proxies that are as they were, to be asked for in order of creation.
#[derive(Default)]
pub(crate) struct Kept<'a> {
    /// Those that have not been passed yet, and the ids of those that are not as they were.
    served: &'a [Made],
    touched: HashSet<&'a str>,
}

impl Served {
    /// What can be served as it is when this becomes `config`; `None` where something has changed
    /// that proxies share, and any of them may be another.
    pub(crate) fn kept<'a>(&'a self, config: &'a Config) -> Option<(Common, Kept<'a>)> {
        let mut touched = HashSet::new();
        for Collection { kind, parent } in self.config.changes(config) {
            match (kind, parent) {
                (Kind::Rule | Kind::Filter | Kind::Meter, Some((Kind::Proxy, id))) => {
                    touched.insert(&**id);
                }
                // Each is held against what it said when it is asked for.
                (Kind::Proxy, None) => {}
                _ => return None,
            }
        }
        Some((self.common.clone(), Kept { served: &self.proxies, touched }))
    }
}

impl Kept<'_> {
    /// How many there are at the most.
    pub(crate) const fn len(&self) -> usize {
        self.served.len()
    }

    /// The proxy that was made of this very `resource`. To be asked in order of creation.
    pub(crate) fn take(&mut self, resource: &Arc<Resource>) -> Option<Arc<Proxy>> {
        loop {
            let ((old, proxy), later) = self.served.split_first()?;
            if Arc::ptr_eq(old, resource) {
                self.served = later;
                let is_touched = self.touched.contains(&*resource.key.id);
                return (!is_touched).then(|| Arc::clone(proxy));
            }
            if old.created_in > resource.created_in {
                return None;
            }
            self.served = later;
        }
    }
}
