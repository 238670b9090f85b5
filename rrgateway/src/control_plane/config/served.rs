//! What is served, and what of it a change of the configuration leaves as it is.

use std::collections::HashSet;
use std::sync::Arc;
use std::vec;

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
type Made = (Arc<Resource>, Arc<Proxy>);

/// The proxies that are as they were, to be asked for in order of creation.
#[derive(Default)]
pub(crate) struct Kept {
    untouched: vec::IntoIter<Made>,
}

impl Served {
    /// What can be served as it is when this becomes `config`; `None` where something has changed
    /// that proxies share, and any of them may be another.
    pub(crate) fn kept(&self, config: &Config) -> Option<(Common, Kept)> {
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
        let untouched = self.proxies.iter().filter(|(it, _)| !touched.contains(&*it.key.id));
        let untouched: Vec<_> = untouched.cloned().collect();
        Some((self.common.clone(), Kept { untouched: untouched.into_iter() }))
    }
}

impl Kept {
    /// How many there are at the most.
    pub(crate) fn len(&self) -> usize {
        self.untouched.len()
    }

    /// The proxy that was made of this very `resource`. To be asked in order of creation.
    pub(crate) fn take(&mut self, resource: &Arc<Resource>) -> Option<Arc<Proxy>> {
        loop {
            let (old, _) = self.untouched.as_slice().first()?;
            if old.created_in > resource.created_in {
                return None;
            }
            let (old, proxy) = self.untouched.next()?;
            if Arc::ptr_eq(&old, resource) {
                return Some(proxy);
            }
        }
    }
}
