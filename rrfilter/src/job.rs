//! What is done with the response of a request to which filters apply.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http::{Method, Response};
use rrcore::coding::{Coding, DecodeError, decode};
use rrcore::{Body, Code, Collect, CollectError, Collected, Fact, Outcome, Refusal, Scope, Stage};

use crate::apply::{NotFilterable, apply};
use crate::filter::Filter;
use crate::head::{Fate, fate, forget_the_original};
use crate::policy::Plan;

/// A request that is on its way.
pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) context: rrcore::Context,
    pub(crate) method: Method,
    pub(crate) limit: usize,
}

/// What its response's head says.
pub(crate) enum Judged<B> {
    Done(Response<Body<B>>),
    Read(Collect<B>, Box<Held>),
}

/// A response whose body is being read.
pub(crate) struct Held {
    job: Job,
    head: Parts,
    coding: Coding,
}

impl Job {
    pub(crate) fn judge<B>(self, response: Response<B>) -> Judged<B>
    where
        B: http_body::Body<Data = Bytes>,
    {
        let (mut head, body) = response.into_parts();
        match fate(&self.method, &head) {
            Fate::Passes => self.context.passed(Stage::Filter),
            Fate::PassesAsHead => {
                forget_the_original(&mut head.headers);
                self.context.passed(Stage::Filter);
            }
            Fate::Refused(why) => {
                return Judged::Done(self.context.refuse(not_filterable(why)).map(Body::own));
            }
            Fate::Filtered(coding) => {
                let body = Collect::new(body, self.limit);
                return Judged::Read(body, Box::new(Held { job: self, head, coding }));
            }
        }
        Judged::Done(Response::from_parts(head, Body::inner(body)))
    }
}

impl Held {
    pub(crate) fn filter<E>(self, body: Result<Collected, CollectError<E>>) -> Response<Bytes> {
        let Self { job, mut head, coding } = self;
        match left(&job, coding, body) {
            Ok((document, facts)) => {
                forget_the_original(&mut head.headers);
                head.headers.insert(CONTENT_LENGTH, document.len().into());
                job.context.record(Stage::Filter, Outcome::Passed, facts);
                Response::from_parts(head, document)
            }
            Err(refusal) => job.context.refuse(refusal),
        }
    }
}

// The document that the filters leave, and what each did.
fn left<E>(
    job: &Job,
    coding: Coding,
    body: Result<Collected, CollectError<E>>,
) -> Result<(Bytes, Vec<Fact>), Refusal> {
    let content = body.map_err(|error| match error {
        CollectError::TooLarge => Refusal::new(Code::ResponseTooLarge),
        CollectError::Body(_) => {
            Refusal::new(Code::UpstreamInvalidResponse).because("its body broke off")
        }
    })?;
    let document = decode(coding, content.data, job.limit).map_err(|error| match error {
        DecodeError::TooLarge => Refusal::new(Code::ResponseTooLarge),
        DecodeError::Corrupt | DecodeError::Unsupported => {
            not_filterable("its content coding cannot be undone")
        }
    })?;
    let filtered = apply(job.plan.filters().map(|(_, filter)| filter), &document);
    let filtered = filtered.map_err(|error| match error {
        NotFilterable::Json(error) => {
            not_filterable("it is not JSON that all readers read alike").because(error.to_string())
        }
        NotFilterable::NothingLeft => not_filterable("nothing of it may pass"),
        NotFilterable::TooLarge => Refusal::new(Code::ResponseTooLarge),
        NotFilterable::NotRead => not_filterable("a path cannot be followed in it"),
        NotFilterable::TooCostly => not_filterable("a path takes too long to follow in it"),
    })?;
    let fact = |((scope, filter), removed): ((Scope, &Filter), u64)| Fact::Filter {
        id: filter.id().clone(),
        scope,
        removed,
    };
    let facts = job.plan.filters().zip(filtered.removed).map(fact).collect();
    Ok((filtered.document, facts))
}

fn not_filterable(why: &'static str) -> Refusal {
    Refusal::new(Code::ResponseNotFilterable)
        .detail(format!("The upstream's response was withheld: {why}."))
}
