//! Writes down what happened to a request, when its last byte has left or its client has.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use rrcore::{ClientAddress, Fact, Refusal};

use crate::data_plane::answer::{CLOSED, GRANTED};
use crate::data_plane::body::{BoxError, ResponseBody};
use crate::data_plane::exchange::{Exchange, Notes};
use crate::data_plane::tally::{Outcome, Tally};
use crate::data_plane::tenure::{self, Watch};
use crate::model::{
    AuthNote, FilterNote, LimitNote, MeterNote, Record, Reports, RuleNote, UpstreamNote,
    ValidationNote,
};

/// Counts requests, and hands their records over to whoever keeps them, without waiting for it.
#[derive(Clone, Debug)]
pub struct Recorder {
    reports: Reports,
    tally: Arc<Tally>,
}

impl Recorder {
    /// Hands records to `reports`, and counts in `tally`.
    #[must_use]
    pub(crate) const fn new(reports: Reports, tally: Arc<Tally>) -> Self {
        Self { reports, tally }
    }

    /// The same, but that it counts in `tally`.
    #[must_use]
    pub(crate) fn counting(&self, tally: &Arc<Tally>) -> Self {
        Self { reports: self.reports.clone(), tally: Arc::clone(tally) }
    }

    /// Sees to it that `exchange` is recorded, however it ends.
    #[must_use]
    pub fn begin(&self, exchange: Exchange) -> Ending {
        let recorder = self.clone();
        self.tally.begin();
        let (status, failed) = (UNANSWERED, Some(LEFT));
        Ending { recorder, exchange, refusal: None, status, bytes: 0, failed, is_whole: false }
    }

    fn report(&self, record: Record) {
        if self.reports.report(record) {
            return;
        }
        // Recording is best effort: the buffer is full, or its reader is gone. Said once per
        // thousand, since a log that floods is no help either.
        let before = self.tally.drop_record();
        if before.is_multiple_of(1000) {
            tracing::warn!(dropped = before + 1, "audit records could not be kept");
        }
    }
}

pin_project! {
    /// A response's body whose end is written down.
    #[derive(Debug)]
    pub struct Recorded {
        #[pin]
        body: ResponseBody,
        // Of which no more is asked for when it is there.
        length: Option<u64>,
        watch: Watch,
        ending: Ending,
    }
}

impl Recorded {
    /// Wraps a response so that its record is written at its end.
    #[must_use]
    pub fn wrap(
        mut ending: Ending,
        watch: Watch,
        response: Response<ResponseBody>,
    ) -> Response<Self> {
        ending.refusal = response.extensions().get::<Refusal>().cloned();
        ending.status = response.status().as_u16();
        ending.failed = None;
        // Of what goes on as something else, there is no body to come.
        let is_tunnel = response.status().is_informational();
        ending.is_whole = is_tunnel || response.body().is_end_stream();
        let length = response.body().size_hint().exact();
        response.map(|body| Self { body, length, watch, ending })
    }

    /// For a connection that goes on behind this response: what ends it, and where its bytes are
    /// counted.
    pub fn tunnel(&mut self) -> (&mut Watch, &mut u64) {
        (&mut self.watch, &mut self.ending.bytes)
    }

    /// Notes that it ended before its time, and why.
    pub const fn failed(&mut self, why: &'static str) {
        self.ending.failed = Some(why);
    }
}

impl Body for Recorded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let polled = this.body.as_mut().poll_frame(cx);
        if this.watch.poll_ended(cx, polled.is_pending()) {
            this.ending.failed = Some(LAPSED);
            return Poll::Ready(Some(Err(tenure::Ended.into())));
        }
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.ending.bytes += frame.data_ref().map_or(0, |it| it.len() as u64);
                let is_all = this.length.is_some_and(|it| this.ending.bytes >= it);
                this.ending.is_whole = is_all || this.body.is_end_stream();
            }
            Poll::Ready(Some(Err(_))) => this.ending.failed = Some(EARLY),
            Poll::Ready(None) => this.ending.is_whole = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The end of one exchange. Dropped with the body: after its last byte, or when the client left; or
/// before there is one, when the client left before.
#[derive(Debug)]
pub struct Ending {
    recorder: Recorder,
    exchange: Exchange,
    refusal: Option<Refusal>,
    status: u16,
    bytes: u64,
    failed: Option<&'static str>,
    // All of the body was asked for, if there was any.
    is_whole: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let notes = std::mem::take(&mut *self.exchange.notes());
        // Whoever asks for the head alone does not ask for the body.
        if !self.is_whole && self.failed.is_none() && notes.method != "HEAD" {
            self.failed = Some(EARLY);
        }
        let context = self.exchange.context();
        let took = context.clock().monotonic().saturating_sub(context.now().monotonic);
        self.recorder.tally.end(&Outcome {
            refusal: self.refusal.as_ref(),
            status: self.status,
            has_left: self.failed == Some(LEFT),
            is_cut: self.failed.is_some_and(|it| it != LEFT),
            took,
            request_bytes: self.exchange.progress().bytes.load(Ordering::Relaxed),
            response_bytes: self.bytes,
            upstream: notes.upstream,
        });
        if notes.routed {
            let record = self.write(notes, took);
            if record.limits_degraded {
                self.recorder.tally.degrade();
            }
            self.recorder.report(record);
        }
    }
}

impl Ending {
    /// What ends.
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn write(&self, notes: Notes, took: Duration) -> Record {
        let context = self.exchange.context();
        let now = context.now();
        let identity = context.identity();
        let target = notes.proxy.as_ref().map(|it| Arc::clone(&it.target.id));
        let mut record = Record {
            id: context.id().as_str().to_owned(),
            client_id: notes
                .proxy
                .as_ref()
                .map_or_else(|| "default".into(), |it| Arc::clone(&it.client)),
            proxy_id: notes.proxy.as_ref().map(|it| Arc::clone(&it.id)),
            revision: notes.revision,
            received_at_ms: i64::try_from(now.wall.as_millis()).unwrap_or(i64::MAX),
            duration_ms: took.as_secs_f64() * 1000.0,
            upstream_ms: notes.upstream.map(|it| it.took.as_secs_f64() * 1000.0),
            method: notes.method,
            path: notes.path,
            query_keys: notes.query_keys,
            status: self.status,
            code: match &self.refusal {
                Some(refusal) => refusal.code().as_str(),
                None if self.failed == Some(LEFT) => CLOSED,
                None => GRANTED,
            },
            stage: self.refusal.as_ref().map(|it| it.stage().as_str()),
            request_bytes: self.exchange.progress().bytes.load(Ordering::Relaxed),
            response_bytes: self.bytes,
            credential_id: identity.map(|it| Arc::clone(it.credential())),
            subject: identity.map(|it| Arc::clone(it.subject())),
            client_address: context.address().map(ClientAddress::ip),
            user_agent: notes.user_agent,
            error: self.error(),
            ..Record::default()
        };
        record.upstream = notes.upstream.zip(target).map(|(it, target)| UpstreamNote {
            target,
            status: it.status,
            attempts: it.attempts,
        });
        context.take_trail().facts().for_each(|fact| note(&mut record, fact));
        record
    }

    fn error(&self) -> Option<String> {
        if let Some(why) = self.failed {
            return Some(why.to_owned());
        }
        self.refusal.as_ref()?.reason().map(str::to_owned)
    }
}

/// The status on record where nobody got one: it is no code of HTTP, but what logs have for this.
const UNANSWERED: u16 = 499;
const LEFT: &str = "the caller left before there was an answer";
/// Of a response that its upstream or its caller broke off.
pub const EARLY: &str = "the response ended early";
/// Of one that was ended since nobody would let its caller in any more.
pub const LAPSED: &str = "the response was ended: the caller's credential is no longer good";

fn note(record: &mut Record, fact: &Fact) {
    match fact {
        Fact::Auth { kind, outcome } => record.auth = Some(AuthNote { kind, outcome }),
        Fact::Limit { policy, remaining } => {
            record.limits.push(LimitNote { policy: Arc::clone(policy), remaining: *remaining });
        }
        Fact::LimitsDegraded => record.limits_degraded = true,
        Fact::Meter { meter, counted, how } => {
            // Its label: the proxy, a slash, the meter.
            let id = meter.split_once('/').map_or_else(|| Arc::clone(meter), |it| it.1.into());
            record.meters.push(MeterNote { id, counted: *counted, how });
        }
        Fact::Rules { scope, outcome, ids } => {
            record.rules.push(RuleNote { scope: scope.as_str(), outcome, rule_ids: ids.clone() })
        }
        // What is as it should be says so by being there: only what is wrong is kept.
        Fact::Validation { outcome: "valid", .. } => {}
        Fact::Validation { message, outcome, pointers } => {
            let pointers = pointers.clone();
            record.validation.push(ValidationNote { message, outcome, pointers });
        }
        Fact::Filter { id, scope, removed, paths, shadow } => record.filters.push(FilterNote {
            id: Arc::clone(id),
            scope: scope.as_str(),
            removed: *removed,
            paths: paths.clone(),
            shadow: *shadow,
        }),
        // A fact of a newer `rrcore` than this gateway knows: not lost, but not shown.
        _ => tracing::debug!("a stage recorded something unknown"),
    }
}
