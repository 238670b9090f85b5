//! What is measured, while it is written down.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

#[cfg(feature = "data-plane")]
use crate::telemetry::histogram::Histogram;

/// Somebody who measures.
///
/// Numbers are read when they are asked for: what a request touches are counters, not this.
pub(crate) trait Measured: fmt::Debug + Send + Sync + 'static {
    /// Writes down what it has measured until now.
    fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result;
}

/// What is measured, while it is written down.
///
/// Labels are texts of this program: there is none that a caller, or a configuration, could multiply.
pub(crate) struct Sheet<'a> {
    encoder: DescriptorEncoder<'a>,
}

/// A label's name and value.
pub(crate) type Label = (&'static str, &'static str);

impl<'a> Sheet<'a> {
    /// A new one, on which nothing is written yet.
    pub(crate) const fn of(encoder: DescriptorEncoder<'a>) -> Self {
        Self { encoder }
    }

    /// Something that only grows; `_total` is put behind its name.
    #[cfg(any(feature = "control-plane", feature = "data-plane"))]
    pub(crate) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// One that is told apart by labels.
    #[cfg(feature = "data-plane")]
    pub(crate) fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([Label; N], u64)>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// Something in seconds that only grows.
    pub(crate) fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// Something that grows and shrinks.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    /// One that is told apart by labels.
    pub(crate) fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([Label; N], u64)>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// How long something took, as all of `parts` have seen it.
    #[cfg(feature = "data-plane")]
    pub(crate) fn histogram<'h>(
        &mut self,
        name: &str,
        help: &str,
        parts: impl IntoIterator<Item = &'h Histogram>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let seen = Histogram::together(parts);
        metric.encode_histogram::<NoLabelSet>(seen.sum, seen.count, &seen.buckets, None)
    }
}
