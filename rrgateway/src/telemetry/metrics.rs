//! Metrics, as text that Prometheus and its like read (OpenMetrics 1.0.0).

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::telemetry::process::Process;
use crate::telemetry::sheet::{Measured, Sheet};

/// All that is measured of this process. Cheap to clone.
///
/// Whoever measures adds itself ([`DataPlaneConfig`](crate::data_plane::DataPlaneConfig) and
/// [`ControlPlaneConfig`](crate::control_plane::ControlPlaneConfig) have a place for it); nothing is
/// written until somebody asks.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
}

impl Metrics {
    /// The media type of their [`text`](Self::text).
    pub const CONTENT_TYPE: &'static str =
        "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// The media type of their [`plain_text`](Self::plain_text).
    pub const PLAIN_CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// With what there is to say of any process.
    #[must_use]
    pub fn new() -> Self {
        let metrics = Self { registry: Arc::default() };
        metrics.add(Process::begun_now());
        metrics
    }

    /// From now on, what `source` measures is there, too. Its names are its own.
    pub(crate) fn add(&self, source: impl Measured) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(Source(source)));
    }

    /// All of it at this moment, as OpenMetrics 1.0.0 has it.
    ///
    /// ```
    /// let text = rrgateway::telemetry::Metrics::new().text();
    /// assert!(text.contains("process_start_time_seconds"));
    /// assert!(text.ends_with("# EOF\n"));
    /// ```
    #[must_use]
    pub fn text(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        // A text takes all that is written to it, and no source has a reason of its own to fail.
        if text::encode(&mut text, &registry).is_err() {
            tracing::error!("metrics could not be written down");
        }
        text
    }

    /// The same in the older format of Prometheus (0.0.4), in which a counter is described under the name
    /// that its samples have, for who does not ask for the newer one.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let text = self.text();
        let types = text.lines().filter_map(|it| it.strip_prefix("# TYPE "));
        let counters: HashSet<_> = types.filter_map(|it| it.strip_suffix(" counter")).collect();
        let mut plain = String::with_capacity(text.len() + 1024);
        for line in text.lines().filter(|it| *it != "# EOF") {
            let described = ["# HELP ", "# TYPE "].iter().find_map(|it| {
                let (name, rest) = line.strip_prefix(it)?.split_once(' ')?;
                counters.contains(name).then(|| format!("{it}{name}_total {rest}"))
            });
            plain.push_str(described.as_deref().unwrap_or(line));
            plain.push('\n');
        }
        plain
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct Source<M>(M);

impl<M: Measured> Collector for Source<M> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.measure(&mut Sheet::of(encoder))
    }
}

#[cfg(all(test, feature = "data-plane"))]
mod tests {
    use super::*;
    use crate::telemetry::Histogram;
    use std::time::Duration;

    #[derive(Debug)]
    struct Two(Histogram, Histogram);

    impl Measured for Two {
        fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
            sheet.counter("a", "Some.", 3)?;
            sheet.counters("b", "More.", [([("x", "1")], 4), ([("x", "2")], 5)])?;
            sheet.gauge("c", "Now.", 6)?;
            sheet.gauges("d", "Now too.", [([("x", "1"), ("y", "2")], 7)])?;
            sheet.seconds("e", "Long.", 1.5)?;
            sheet.histogram("f", "How long.", [&self.0, &self.1])
        }
    }

    #[test]
    fn what_is_measured_is_written_as_open_metrics() {
        let (one, other) = (Histogram::default(), Histogram::default());
        one.see(Duration::from_millis(1));
        other.see(Duration::from_micros(1_001));
        other.see(Duration::from_secs(3_600));
        let metrics = Metrics { registry: Arc::default() };
        metrics.add(Two(one, other));
        let text = metrics.text();
        for line in [
            "# HELP a Some.",
            "# TYPE a counter",
            "a_total 3",
            "b_total{x=\"1\"} 4",
            "b_total{x=\"2\"} 5",
            "c 6",
            "d{x=\"1\",y=\"2\"} 7",
            "e_total 1.5",
            "# TYPE f histogram",
            "f_sum 3600.002001",
            "f_count 3",
            "f_bucket{le=\"0.001\"} 1",
            "f_bucket{le=\"0.0025\"} 2",
            "f_bucket{le=\"60.0\"} 2",
            "f_bucket{le=\"+Inf\"} 3",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
        let plain = metrics.plain_text();
        for line in
            ["# HELP a_total Some.", "# TYPE a_total counter", "a_total 3", "# TYPE c gauge"]
        {
            assert!(plain.lines().any(|it| it == line), "{line}\n{plain}");
        }
        let samples = |text: &str| -> Vec<String> {
            text.lines().filter(|it| !it.starts_with('#')).map(str::to_owned).collect()
        };
        assert_eq!(samples(&plain), samples(&text));
        assert!(!plain.contains("EOF") && plain.ends_with('\n'), "{plain}");
    }
}
