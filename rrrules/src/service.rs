//! Makes each request's path canonical, then asks the rules.

use std::sync::Arc;
use std::task::{self, Poll};

use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use rrcore::{Body, Clock, Code, Context, Fact, GuardFuture, Outcome, Refusal, Stage};
use tower_service::Service;

use crate::path::CanonicalPath;
use crate::policy::{Judgement, Policy};
use crate::subject::Subject;

/// Lets a request through when all four scopes allow it, under the path that they judged.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
pub struct Rules<S> {
    inner: S,
    policy: Arc<Policy>,
    clock: Clock,
}

impl<S> Rules<S> {
    pub(crate) const fn new(inner: S, policy: Arc<Policy>, clock: Clock) -> Self {
        Self { inner, policy, clock }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Rules<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let context = Context::of(request.extensions_mut(), &self.clock);
        match admit(&self.policy, &mut request) {
            Ok(facts) => {
                context.record(Stage::Rules, Outcome::Passed, facts);
                GuardFuture::forward(self.inner.call(request))
            }
            Err((refusal, facts)) => GuardFuture::answer(context.refuse_with(refusal, facts)),
        }
    }
}

type Refused = (Refusal, Vec<Fact>);

fn admit<B>(policy: &Policy, request: &mut Request<B>) -> Result<Vec<Fact>, Refused> {
    let path = canonical_path(request).map_err(|refusal| (refusal, Vec::new()))?;
    let subject = Subject {
        method: request.method(),
        path: &path,
        query: request.uri().query(),
        headers: request.headers(),
    };
    let judgement = policy.judge(subject, request.extensions());
    let Judgement { facts, denial } =
        judgement.map_err(|bad_escape| (malformed().detail(bad_escape.to_string()), Vec::new()))?;
    match denial {
        None => Ok(facts),
        Some(denial) => Err((policy.refusal(&denial), facts)),
    }
}

// What is judged is what goes on: the request leaves with this path, and no other.
fn canonical_path<B>(request: &mut Request<B>) -> Result<CanonicalPath, Refusal> {
    let found = request.extensions().get::<CanonicalPath>();
    if let Some(path) = found.filter(|it| it.as_str() == request.uri().path()) {
        return Ok(path.clone());
    }
    let path = CanonicalPath::parse(request.uri().path())
        .map_err(|error| malformed().detail(error.to_string()))?;
    if path.as_str() != request.uri().path() {
        *request.uri_mut() = with_path(request.uri(), &path)?;
    }
    request.extensions_mut().insert(path.clone());
    Ok(path)
}

fn with_path(uri: &Uri, path: &CanonicalPath) -> Result<Uri, Refusal> {
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_string(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|_| malformed())?);
    Uri::from_parts(parts).map_err(|_| malformed())
}

fn malformed() -> Refusal {
    Refusal::new(Code::MalformedRequest).at(Stage::Route)
}
