//! What is done with the response of a request to which filters apply.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, VARY};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use rrcore::Stage;
use rrcore::coding::Coding;

use crate::body::FilteredBody;
use crate::fault::not_filterable;
use crate::flow::Flow;
use crate::head::{Fate, fate, forget_the_original};
use crate::hold::Hold;
use crate::policy::{Bounds, Plan};
use crate::stream::Stream;
use crate::watch::Watch;
use crate::work::{Shape, Work};

/// A request that is on its way.
pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) context: rrcore::Context,
    pub(crate) method: Method,
    pub(crate) bounds: Bounds,
    // What the client asks to have content encoded in.
    pub(crate) asked: Coding,
}

/// What its response's head says.
pub(crate) enum Judged<B> {
    Done(Response<FilteredBody<B>>),
    Hold(Box<Hold<B>>),
}

impl Job {
    pub(crate) fn judge<B>(mut self, response: Response<B>) -> Judged<B>
    where
        B: http_body::Body<Data = Bytes>,
    {
        let (mut head, body) = response.into_parts();
        // 304 speaks of a 2xx that the client has, and 101 begins what all filters were meant for.
        let is_error = !head.status.is_success()
            && !matches!(head.status, StatusCode::NOT_MODIFIED | StatusCode::SWITCHING_PROTOCOLS);
        if is_error {
            self.plan = self.plan.for_errors();
        }
        let fate = fate(&self.method, &head, &self.plan);
        let (shape, coding) = match fate {
            Fate::Filtered(shape, coding) => (shape, coding),
            // Whatever it is, it passes as it is.
            _ if !self.plan.is_enforced() => {
                self.context.passed(Stage::Filter);
                return Judged::Done(Response::from_parts(head, FilteredBody::inner(body)));
            }
            Fate::Passes => {
                self.context.passed(Stage::Filter);
                return Judged::Done(Response::from_parts(head, FilteredBody::inner(body)));
            }
            Fate::PassesAsHead | Fate::PassesEmpty => {
                if fate == Fate::PassesAsHead {
                    forget_the_original(&mut head.headers);
                }
                self.context.passed(Stage::Filter);
                return Judged::Done(Response::from_parts(head, FilteredBody::default()));
            }
            Fate::Refused(_) if is_error && body.is_end_stream() => {
                self.context.passed(Stage::Filter);
                return Judged::Done(Response::from_parts(head, FilteredBody::default()));
            }
            Fate::Refused(why) => {
                let answer = self.context.refuse(not_filterable(why));
                return Judged::Done(answer.map(FilteredBody::own));
            }
        };
        if !self.plan.is_enforced() {
            let flow = self.flow(shape, coding, Coding::Identity);
            let watch = Box::new(Watch::new(flow, self.context));
            return Judged::Done(Response::from_parts(head, FilteredBody::watched(body, watch)));
        }
        forget_the_original(&mut head.headers);
        // What the upstream sent plain is not worth more to the client.
        let asked = if coding == Coding::Identity { Coding::Identity } else { self.asked };
        encoded(&mut head.headers, coding, asked);
        let (bounds, flow) = (self.bounds, self.flow(shape, coding, asked));
        let stream = Stream::new(body, flow, self.context);
        Judged::Hold(Box::new(Hold::new(stream, head, bounds.hold, is_error)))
    }

    fn flow(&mut self, shape: Shape, coding: Coding, asked: Coding) -> Flow {
        let work = Work::new(self.plan.take(), shape, self.bounds);
        Flow::new(coding, work, asked, self.bounds)
    }
}

fn encoded(headers: &mut HeaderMap, coding: Coding, asked: Coding) {
    if asked != Coding::Identity {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(asked.as_str()));
    }
    // Also where it leaves plain: another client may be answered otherwise.
    if coding != Coding::Identity && !headers.contains_key(VARY) {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
}
