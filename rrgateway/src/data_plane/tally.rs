//! What is counted of all requests.

use std::fmt;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rrcore::{Code, Refusal, Stage};

use crate::data_plane::answer::{CLOSED, GRANTED};
use crate::data_plane::exchange::UpstreamNotes;
use crate::telemetry::{Histogram, Measured, Sheet};

/// What one worker has counted. Each has its own, so that they do not wait for each other.
#[derive(Debug)]
pub(crate) struct Tally {
    begun: AtomicU64,
    ended: AtomicU64,
    granted: Classes,
    // By code, and by the stage that refused.
    refused: Box<[[AtomicU64; Stage::ALL.len()]]>,
    left: AtomicU64,
    cut: AtomicU64,
    took: Histogram,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
    upstream: Classes,
    silent: AtomicU64,
    abandoned: AtomicU64,
    retries: AtomicU64,
    upstream_took: Histogram,
    degraded: AtomicU64,
    dropped: AtomicU64,
}

/// One count for each class of status.
type Classes = [AtomicU64; CLASSES.len()];

/// How a request ended.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) refusal: Option<&'a Refusal>,
    pub(crate) status: u16,
    /// Its client left before there was an answer.
    pub(crate) has_left: bool,
    /// There was more of the answer to come.
    pub(crate) is_cut: bool,
    pub(crate) took: Duration,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) upstream: Option<UpstreamNotes>,
}

impl Outcome<'_> {
    // Not where it was the caller who left, or may stay no longer.
    fn is_upstreams_fault(&self) -> bool {
        self.refusal.is_some_and(|it| it.stage() == Stage::Upstream)
    }
}

impl Tally {
    /// A request has come.
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Relaxed);
    }

    /// It has ended like this.
    pub(crate) fn end(&self, outcome: &Outcome<'_>) {
        self.ended.fetch_add(1, Relaxed);
        match outcome.refusal {
            Some(refusal) => self.refuse(refusal.code(), refusal.stage()),
            None if outcome.has_left => _ = self.left.fetch_add(1, Relaxed),
            None => count(&self.granted, outcome.status),
        }
        if outcome.is_cut {
            self.cut.fetch_add(1, Relaxed);
        }
        self.took.see(outcome.took);
        self.request_bytes.fetch_add(outcome.request_bytes, Relaxed);
        self.response_bytes.fetch_add(outcome.response_bytes, Relaxed);
        if let Some(upstream) = outcome.upstream {
            match upstream.status {
                Some(status) => count(&self.upstream, status),
                None if outcome.is_upstreams_fault() => _ = self.silent.fetch_add(1, Relaxed),
                None => _ = self.abandoned.fetch_add(1, Relaxed),
            }
            self.retries.fetch_add(u64::from(upstream.attempts.saturating_sub(1)), Relaxed);
            self.upstream_took.see(upstream.took);
        }
    }

    /// It was limited without the store that gateways share.
    pub(crate) fn degrade(&self) {
        self.degraded.fetch_add(1, Relaxed);
    }

    /// A record could not be handed over; how many could not before.
    pub(crate) fn drop_record(&self) -> u64 {
        self.dropped.fetch_add(1, Relaxed)
    }

    fn refuse(&self, code: Code, stage: Stage) {
        let stage = Stage::ALL.iter().position(|it| *it == stage);
        let code = Code::ALL.iter().position(|it| *it == code);
        let row = code.and_then(|it| self.refused.get(it));
        if let Some(count) = row.zip(stage).and_then(|(row, it)| row.get(it)) {
            count.fetch_add(1, Relaxed);
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            begun: AtomicU64::default(),
            ended: AtomicU64::default(),
            granted: Classes::default(),
            refused: Code::ALL.iter().map(|_| Default::default()).collect(),
            left: AtomicU64::default(),
            cut: AtomicU64::default(),
            took: Histogram::default(),
            request_bytes: AtomicU64::default(),
            response_bytes: AtomicU64::default(),
            upstream: Classes::default(),
            silent: AtomicU64::default(),
            abandoned: AtomicU64::default(),
            retries: AtomicU64::default(),
            upstream_took: Histogram::default(),
            degraded: AtomicU64::default(),
            dropped: AtomicU64::default(),
        }
    }
}

fn count(classes: &Classes, status: u16) {
    let class = usize::from(status / 100).checked_sub(1);
    if let Some(count) = class.and_then(|it| classes.get(it)) {
        count.fetch_add(1, Relaxed);
    }
}

/// What all workers have counted.
#[derive(Clone, Debug)]
pub(crate) struct Tallies {
    workers: Arc<[Arc<Tally>]>,
}

impl Tallies {
    /// Of so many workers.
    pub(crate) fn of(workers: usize) -> Self {
        Self { workers: iter::repeat_with(Arc::default).take(workers).collect() }
    }

    /// Each worker's own.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Arc<Tally>> {
        self.workers.iter()
    }

    fn sum(&self, count: impl Fn(&Tally) -> &AtomicU64) -> u64 {
        self.workers.iter().map(|it| count(it).load(Relaxed)).sum()
    }

    fn classes(&self, of: impl Fn(&Tally) -> &Classes) -> Vec<(&'static str, u64)> {
        let mut sums: Vec<_> = CLASSES.iter().map(|it| (*it, 0)).collect();
        for worker in self.each() {
            for (sum, count) in sums.iter_mut().zip(of(worker)) {
                sum.1 += count.load(Relaxed);
            }
        }
        sums
    }

    // A code that was never answered is there with the stage that is meant to answer it: what grows from
    // nothing would not be seen to grow.
    fn answers(&self) -> Vec<([(&'static str, &'static str); 3], u64)> {
        let row = |code, stage, status| [("code", code), ("stage", stage), ("status", status)];
        let granted = self.classes(|it| &it.granted).into_iter();
        let mut all: Vec<_> =
            granted.map(|(class, count)| (row(GRANTED, NONE, class), count)).collect();
        all.push((row(CLOSED, NONE, NONE), self.sum(|it| &it.left)));
        for (index, code) in Code::ALL.iter().enumerate() {
            for (place, stage) in Stage::ALL.iter().enumerate() {
                let count = |it: &Tally| -> u64 {
                    let count = it.refused.get(index).and_then(|it| it.get(place));
                    count.map_or(0, |it| it.load(Relaxed))
                };
                let sum = self.each().map(|it| count(it)).sum();
                if sum > 0 || *stage == code.stage() {
                    let status = class_of(code.status().as_u16());
                    all.push((row(code.as_str(), stage.as_str(), status), sum));
                }
            }
        }
        all
    }
}

impl Measured for Tallies {
    fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        sheet.counters("rrgateway_requests", REQUESTS, self.answers())?;
        // In this order: a request that ends meanwhile must not make it less than none.
        let ended = self.sum(|it| &it.ended);
        let begun = self.sum(|it| &it.begun);
        sheet.gauge("rrgateway_requests_in_flight", IN_FLIGHT, begun.saturating_sub(ended))?;
        let took = self.each().map(|it| &it.took);
        sheet.histogram("rrgateway_request_duration_seconds", TOOK, took)?;
        let bytes = self.sum(|it| &it.request_bytes);
        sheet.counter("rrgateway_request_body_bytes", REQUEST_BYTES, bytes)?;
        let bytes = self.sum(|it| &it.response_bytes);
        sheet.counter("rrgateway_response_body_bytes", RESPONSE_BYTES, bytes)?;
        sheet.counter("rrgateway_responses_cut_short", CUT, self.sum(|it| &it.cut))?;
        let silent = (NONE, self.sum(|it| &it.silent));
        let abandoned = ("abandoned", self.sum(|it| &it.abandoned));
        let upstream = self.classes(|it| &it.upstream).into_iter().chain([silent, abandoned]);
        let upstream = upstream.map(|(class, count)| ([("status", class)], count));
        sheet.counters("rrgateway_upstream_responses", UPSTREAM, upstream)?;
        sheet.counter("rrgateway_upstream_retries", RETRIES, self.sum(|it| &it.retries))?;
        let took = self.each().map(|it| &it.upstream_took);
        sheet.histogram("rrgateway_upstream_duration_seconds", UPSTREAM_TOOK, took)?;
        let degraded = self.sum(|it| &it.degraded);
        sheet.counter("rrgateway_limits_degraded_requests", DEGRADED, degraded)?;
        sheet.counter("rrgateway_audit_records_dropped", DROPPED, self.sum(|it| &it.dropped))
    }
}

fn class_of(status: u16) -> &'static str {
    let class = usize::from(status / 100).checked_sub(1);
    class.and_then(|it| CLASSES.get(it).copied()).unwrap_or(NONE)
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const NONE: &str = "none";
const REQUESTS: &str =
    "Requests that have ended, by code, the stage that refused, and class of status.";
const IN_FLIGHT: &str = "Requests that have come and not ended.";
const TOOK: &str = "From a request's head to the last byte of its response.";
const REQUEST_BYTES: &str = "Bytes of requests' bodies that were read.";
const RESPONSE_BYTES: &str = "Bytes of responses' bodies that were written.";
const CUT: &str = "Responses that ended before their time.";
const UPSTREAM: &str = "Requests that an upstream was sent, by the class of its last status.";
const RETRIES: &str = "How often requests were sent once more.";
const UPSTREAM_TOOK: &str = "From sending to the upstream's head, or to giving up.";
const DEGRADED: &str = "Requests that were limited without the store that gateways share.";
const DROPPED: &str = "Audit records for which there was no room on the way to who keeps them.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;

    #[test]
    fn what_all_workers_count_is_one_number() {
        let tallies = Tallies::of(2);
        let metrics = Metrics::new();
        metrics.add(tallies.clone());
        let upstream = UpstreamNotes { status: Some(204), took: Duration::ZERO, attempts: 2 };
        let outcome = Outcome {
            refusal: None,
            status: 200,
            has_left: false,
            is_cut: false,
            took: Duration::from_millis(3),
            request_bytes: 5,
            response_bytes: 7,
            upstream: Some(upstream),
        };
        let refusal = Refusal::new(Code::ContentTooLarge).at(Stage::Rules);
        for worker in tallies.each() {
            worker.begin();
            worker.begin();
            worker.begin();
            worker.end(&outcome);
            let refused =
                Outcome { refusal: Some(&refusal), status: 413, upstream: None, ..outcome };
            worker.end(&refused);
        }
        let waited = Some(UpstreamNotes { status: None, attempts: 1, ..upstream });
        let left = Outcome { has_left: true, status: 499, upstream: waited, ..outcome };
        tallies.workers[0].end(&left);
        let text = metrics.text();
        for line in [
            "rrgateway_requests_total{code=\"proxy-access-granted\",stage=\"none\",status=\"2xx\"} 2",
            "rrgateway_requests_total{code=\"content-too-large\",stage=\"rules\",status=\"4xx\"} 2",
            "rrgateway_requests_total{code=\"content-too-large\",stage=\"hygiene\",status=\"4xx\"} 0",
            "rrgateway_requests_total{code=\"client-closed-request\",stage=\"none\",status=\"none\"} 1",
            "rrgateway_requests_total{code=\"rule-denied\",stage=\"rules\",status=\"4xx\"} 0",
            "rrgateway_requests_in_flight 1",
            "rrgateway_request_duration_seconds_bucket{le=\"0.005\"} 5",
            "rrgateway_request_body_bytes_total 25",
            "rrgateway_response_body_bytes_total 35",
            "rrgateway_upstream_responses_total{status=\"2xx\"} 2",
            "rrgateway_upstream_responses_total{status=\"none\"} 0",
            "rrgateway_upstream_responses_total{status=\"abandoned\"} 1",
            "rrgateway_upstream_retries_total 2",
            "rrgateway_upstream_duration_seconds_count 3",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }
}
