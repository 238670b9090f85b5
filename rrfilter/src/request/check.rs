//! What filters leave of a request's body.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use rrcore::coding::{Coding, decode};
use rrcore::{Body, BufferedBody, Code, Context, Facts, Outcome, ReadOutcome, Refusal, Stage};

use crate::fault::Fault;
use crate::head::{forget_the_original_request, is_json};
use crate::policy::{Bounds, Plan};
use crate::work::{Shape, Work};

/// A request that is on its way.
pub(super) struct Check {
    pub(super) plan: Plan,
    pub(super) context: Context,
    pub(super) bounds: Bounds,
}

impl Check {
    /// The request that is forwarded, or what is answered instead.
    pub(super) fn filter<B>(
        self,
        read: ReadOutcome<B>,
    ) -> Result<Request<Body<B>>, Box<Response<Bytes>>> {
        let is_enforced = self.plan.is_enforced();
        let request = match read {
            ReadOutcome::Whole(request) => request,
            // Nothing is to be changed, and nothing is known.
            ReadOutcome::TooLarge(request) if !is_enforced => return Ok(request),
            ReadOutcome::TooLarge(_) => {
                let refusal = Refusal::new(Code::ContentTooLarge).at(Stage::Transform);
                return Err(Box::new(self.context.refuse(refusal)));
            }
            ReadOutcome::Failed(refusal) => return Err(Box::new(self.context.refuse(refusal))),
        };
        let sent = request.extensions().get::<BufferedBody>().map(|it| it.data().clone());
        let sent = sent.unwrap_or_default();
        if sent.is_empty() {
            return Ok(request);
        }
        match self.left(request.headers(), sent) {
            Ok((left, facts)) => {
                self.context.record(Stage::Transform, Outcome::Passed, facts);
                if !is_enforced {
                    return Ok(request);
                }
                let mut request = BufferedBody::replace(request, left);
                forget_the_original_request(request.headers_mut());
                Ok(request)
            }
            Err(_) if !is_enforced => Ok(request),
            Err(refusal) => Err(Box::new(self.context.refuse(refusal))),
        }
    }

    fn left(&self, headers: &HeaderMap, sent: Bytes) -> Result<(Bytes, Facts), Refusal> {
        if !is_json(headers) {
            return Err(not_filterable("it is not declared as JSON in UTF-8"));
        }
        let refused = |fault: Fault| match fault.is_size() {
            true => Refusal::new(Code::ContentTooLarge).at(Stage::Transform),
            false => not_filterable(fault.why()).because(fault.to_string()),
        };
        let plain = Coding::of(headers)
            .and_then(|coding| decode(coding, sent, self.bounds.buffered))
            .map_err(|error| refused(error.into()))?;
        // All of it is there: two members of one name are found wherever they are.
        let bounds = Bounds { hold: usize::MAX, ..self.bounds };
        let mut work = Work::new(self.plan.clone(), Shape::Document, bounds);
        let mut left = Vec::new();
        let filtered = work.push(&plain, &mut left).and_then(|()| work.finish(&mut left));
        filtered.map_err(refused)?;
        Ok((left.into(), work.facts()))
    }
}

fn not_filterable(why: &'static str) -> Refusal {
    Refusal::new(Code::RequestNotFilterable).detail(format!("The request was refused: {why}."))
}
