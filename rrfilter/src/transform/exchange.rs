//! One request and its response, on their way through a layer.

use std::sync::Arc;

use bytes::Bytes;
use http::response::Parts;
use http::{Method, Request, Response};
use rrcore::coding::Coding;
use rrcore::{
    Body, BufferedBody, Collect, CollectError, Collected, Context, ReadOutcome, Refusal, Stage,
};

use crate::head::{ask_for_the_whole, forget_the_original};
use crate::transform::message::Transform;
use crate::transform::policy::Policy;
use crate::transform::request;
use crate::transform::response::{self, Fate};
use crate::transform::sources::of_response;
use crate::transform::values::Values;

/// A request that is on its way, and what it was when it came.
pub(crate) struct Exchange {
    pub(crate) transform: Arc<Transform>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) values: Values,
    pub(crate) context: Context,
    pub(crate) method: Method,
}

/// What a response's head says.
pub(crate) enum Judged<B> {
    Done(Response<Body<B>>),
    Read(Collect<B>, Box<Held>),
}

/// A response whose body is being read.
pub(crate) struct Held {
    exchange: Exchange,
    head: Parts,
    coding: Coding,
}

impl Exchange {
    /// A request with its body, after that was read.
    pub(crate) fn read<B>(&self, read: ReadOutcome<B>) -> Result<Request<Body<B>>, Refusal> {
        let request = match read {
            ReadOutcome::Whole(request) => request,
            ReadOutcome::TooLarge(_) => return Err(request::too_large()),
            ReadOutcome::Failed(refusal) => return Err(refusal),
        };
        let content = request.extensions().get::<BufferedBody>().map(|it| it.data().clone());
        let Some(content) = content.filter(|it| !it.is_empty()) else {
            return self.head(request);
        };
        let (mut head, _) = request.into_parts();
        let limit = self.policy.max_body_bytes;
        let (headers, values) = (&mut head.headers, &self.values);
        let changed = request::content(&self.transform.request, headers, content, values, limit)?;
        let changed = self.policy.hold(changed)?;
        // What later stages read is what goes on.
        head.extensions.insert(BufferedBody::new(changed.clone()));
        self.head(Request::from_parts(head, Body::own(changed)))
    }

    /// A request whose body stays, or is done.
    pub(crate) fn head<B>(&self, request: Request<B>) -> Result<Request<B>, Refusal> {
        let (mut head, body) = request.into_parts();
        request::head(&self.transform.request, &mut head, &self.values)?;
        if self.transform.reads_responses() {
            ask_for_the_whole(&mut head.headers);
        }
        self.context.passed(Stage::Transform);
        Ok(Request::from_parts(head, body))
    }

    pub(crate) fn judge<B>(mut self, response: Response<B>) -> Judged<B>
    where
        B: http_body::Body<Data = Bytes>,
    {
        // The gateway's own answers are not the upstream's.
        if response.extensions().get::<Refusal>().is_some() {
            return Judged::Done(response.map(Body::inner));
        }
        let (mut head, body) = response.into_parts();
        of_response(&self.transform.variables, head.status, &head.headers, &mut self.values);
        let transform = &self.transform.response;
        let refusal = match response::fate(transform, &self.method, &head) {
            Fate::Stays => None,
            Fate::StaysAway => {
                forget_the_original(&mut head.headers);
                None
            }
            Fate::Changes(coding) => {
                let body = Collect::new(body, self.policy.max_buffered_bytes);
                return Judged::Read(body, Box::new(Held { exchange: self, head, coding }));
            }
            Fate::Refused(why) => Some(response::not_filterable(why)),
        };
        let edited = refusal.map_or(Ok(()), Err);
        let edited = edited.and_then(|()| response::head(transform, &mut head, &self.values));
        Judged::Done(match edited {
            Ok(()) => Response::from_parts(head, Body::inner(body)),
            Err(refusal) => self.context.refuse(refusal).map(Body::own),
        })
    }
}

impl Held {
    pub(crate) fn change<E>(self, body: Result<Collected, CollectError<E>>) -> Response<Bytes> {
        let Self { exchange, mut head, coding } = self;
        let Exchange { transform, policy, values, context, .. } = exchange;
        let (transform, limit) = (&transform.response, policy.max_buffered_bytes);
        let changed = response::content(transform, &mut head, coding, body, &values, limit);
        let changed = changed.and_then(|content| {
            response::head(transform, &mut head, &values)?;
            Ok(content)
        });
        match changed {
            Ok(content) => Response::from_parts(head, content),
            Err(refusal) => context.refuse(refusal),
        }
    }
}
