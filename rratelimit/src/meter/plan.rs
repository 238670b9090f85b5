//! The meters of a layer, with what they seek in bodies as one.

use http::HeaderMap;

use super::definition::Meter;
use super::extraction::Formula;
use super::paths::Paths;
use super::reading::Reading;

/// The meters of a layer.
#[derive(Debug)]
pub(crate) struct Plan {
    meters: Vec<(Meter, Formula)>,
    paths: Paths,
    slots: usize,
}

impl Plan {
    pub(crate) fn new(meters: impl IntoIterator<Item = Meter>) -> Self {
        let (mut paths, mut slots) = (Paths::new(), 0);
        let add = |meter: Meter| {
            let formula = meter.extraction().add_to(&mut paths, &mut slots);
            (meter, formula)
        };
        let meters = meters.into_iter().map(add).collect();
        Self { meters, paths, slots }
    }

    pub(crate) fn meters(&self) -> impl Iterator<Item = (usize, &Meter)> {
        self.meters.iter().map(|it| &it.0).enumerate()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&(Meter, Formula)> {
        self.meters.get(index)
    }

    pub(crate) const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// A body under `headers`, of which these meters want to know something.
    pub(crate) fn reading(
        &self,
        headers: &HeaderMap,
        meters: impl Iterator<Item = usize>,
    ) -> Reading {
        let formulas = meters.filter_map(|it| self.get(it)).map(|it| &it.1);
        Reading::new(headers, formulas, self.slots)
    }
}
