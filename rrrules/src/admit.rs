//! Makes a request's path canonical and asks the rules: what both services do.

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Uri};
use rrcore::{BufferedBody, Code, Facts, Refusal, Stage};

use crate::compiled::BodyAnswer;
use crate::path::CanonicalPath;
use crate::policy::{InForce, Judgement, Policy};
use crate::subject::{Reading, Subject};
use crate::withheld::Withheld;

/// Why a request does not go on, and what the trail gets.
pub(crate) type Refused = (Refusal, Facts);

/// What becomes of a request before its body is read.
pub(crate) enum Step {
    /// It goes on.
    On(Facts),
    /// Rules ask for its body, which is yet to be read.
    ReadBody(InForce<'static>),
}

/// What is known of the body.
#[derive(Clone, Copy)]
pub(crate) enum Known<'a> {
    /// It is this.
    Is(&'a Bytes),
    /// It will be, once it is read.
    ToBeRead,
    /// It cannot be inspected, for this reason.
    NotInspectable(&'static str),
}

/// Makes the path canonical, then asks the rules that are in force.
pub(crate) fn admit<B>(
    policy: &Policy,
    request: &mut Request<B>,
    body: Known<'_>,
    limit: usize,
) -> Result<Step, Refused> {
    let path = canonical_path(request).map_err(|refusal| (refusal, Facts::none()))?;
    let in_force = policy.in_force(request.extensions());
    let read = request.extensions().get::<BufferedBody>();
    let body = read.map_or(body, |it| Known::Is(it.data()));
    judge(policy, &in_force, request, &path, body, limit)
}

/// Asks the rules that were in force before the body was read.
pub(crate) fn admit_read<B>(
    policy: &Policy,
    in_force: &InForce<'_>,
    request: &mut Request<B>,
    body: Known<'_>,
    limit: usize,
) -> Result<Facts, Refused> {
    let path = canonical_path(request).map_err(|refusal| (refusal, Facts::none()))?;
    match judge(policy, in_force, request, &path, body, limit)? {
        Step::On(facts) => Ok(facts),
        // It was read: nobody says so.
        Step::ReadBody(_) => Err((Refusal::new(Code::Internal), Facts::none())),
    }
}

fn judge<B>(
    policy: &Policy,
    in_force: &InForce<'_>,
    request: &Request<B>,
    path: &CanonicalPath,
    body: Known<'_>,
    limit: usize,
) -> Result<Step, Refused> {
    let headers = request.headers();
    let said = judge_with(headers, policy, in_force, request, path, (body, limit))?;
    let Some(rest) = Withheld::rest(request.extensions(), headers) else { return Ok(said) };
    match judge_with(&rest, policy, in_force, request, path, (body, limit))? {
        Step::On(_) => Ok(said),
        // Read for both.
        Step::ReadBody(in_force) => Ok(Step::ReadBody(in_force)),
    }
}

fn judge_with<B>(
    headers: &HeaderMap,
    policy: &Policy,
    in_force: &InForce<'_>,
    request: &Request<B>,
    path: &CanonicalPath,
    (body, limit): (Known<'_>, usize),
) -> Result<Step, Refused> {
    let nothing = Bytes::new();
    let subject = Subject {
        method: request.method(),
        path,
        query: request.uri().query(),
        headers,
        body: match body {
            Known::Is(body) => body,
            Known::ToBeRead | Known::NotInspectable(_) => &nothing,
        },
    };
    let heads = in_force.heads(&Reading::new(subject));
    let heads =
        heads.map_err(|bad_escape| (malformed().detail(bad_escape.to_string()), Facts::none()))?;
    let answer = match body {
        Known::ToBeRead if heads.need_body() => return Ok(Step::ReadBody(in_force.kept())),
        Known::ToBeRead | Known::Is(_) => BodyAnswer::limited(&subject, limit),
        Known::NotInspectable(reason) => BodyAnswer::NotInspectable(reason),
    };
    let Judgement { facts, denial } = in_force.judge(&heads, &answer);
    match denial {
        None => Ok(Step::On(facts)),
        Some(denial) => Err((policy.refusal(&denial), facts)),
    }
}

/// Makes the path canonical. What is judged is what goes on: the request leaves with this path, and
/// no other.
pub(crate) fn canonical_path<B>(request: &mut Request<B>) -> Result<CanonicalPath, Refusal> {
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

/// The answer to a request that has more than one reading.
pub(crate) fn malformed() -> Refusal {
    Refusal::new(Code::MalformedRequest).at(Stage::Route)
}
