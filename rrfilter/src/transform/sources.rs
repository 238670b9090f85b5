//! Finds what variables stand for in a message.

use std::fmt;
use std::sync::Arc;

use http::header::HOST;
use http::{Extensions, HeaderMap, HeaderName, Request, StatusCode};
use rrcore::Context;
use serde_json::Value;

use crate::transform::pairs::{decoded, halves, is_named, pieces};
use crate::transform::values::Values;
use crate::transform::variable::Variable;

/// What only the embedder knows.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    pub(crate) claims: Option<Arc<FindClaim>>,
    pub(crate) parameters: Option<Arc<FindParameter>>,
}

pub(crate) type FindClaim = dyn Fn(&Extensions, &str) -> Option<Value> + Send + Sync;
pub(crate) type FindParameter = dyn Fn(&Extensions, &str) -> Option<String> + Send + Sync;

impl Sources {
    /// What `wanted` are in this request, before anything of it is changed.
    pub(crate) fn of_request<B>(
        &self,
        wanted: &[Variable],
        request: &Request<B>,
        context: &Context,
    ) -> Values {
        let mut values = Values::none();
        for variable in wanted.iter().filter(|it| !it.is_of_the_response()) {
            values.add(variable.clone(), self.find(variable, request, context));
        }
        values
    }

    fn find<B>(&self, wanted: &Variable, request: &Request<B>, context: &Context) -> Option<Value> {
        let identity = || context.identity();
        let uri = request.uri();
        let text: String = match wanted {
            Variable::Claim(name) => return self.claims.as_ref()?(request.extensions(), name),
            Variable::Path(name) => self.parameters.as_ref()?(request.extensions(), name)?,
            Variable::Subject => identity()?.subject().as_ref().into(),
            Variable::Credential => identity()?.credential().as_ref().into(),
            Variable::CredentialKind => identity()?.kind().into(),
            Variable::ClientAddress => context.address()?.ip().to_string(),
            Variable::Header(name) => lines(request.headers(), name)?,
            Variable::Query(name) => parameter(uri.query()?, name)?,
            Variable::RequestId => context.id().as_str().into(),
            Variable::RequestMethod => request.method().as_str().into(),
            Variable::RequestPath => uri.path().into(),
            Variable::RequestHost => match lines(request.headers(), &HOST) {
                Some(host) => host,
                None => uri.authority()?.as_str().into(),
            },
            Variable::RequestTime => return Some(context.now().wall.as_secs().into()),
            Variable::Status | Variable::ResponseHeader(_) => return None,
        };
        Some(text.into())
    }
}

/// Adds what `wanted` are in a response, before anything of it is changed.
pub(crate) fn of_response(
    wanted: &[Variable],
    status: StatusCode,
    headers: &HeaderMap,
    values: &mut Values,
) {
    for variable in wanted {
        match variable {
            Variable::Status => values.add(variable.clone(), Some(status.as_u16().into())),
            Variable::ResponseHeader(name) => {
                values.add(variable.clone(), lines(headers, name).map(Value::from));
            }
            _ => {}
        }
    }
}

// RFC 9110 §5.3.
fn lines(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut lines = headers.get_all(name).iter().map(|it| std::str::from_utf8(it.as_bytes()));
    let mut text = lines.next()?.ok()?.to_owned();
    for line in lines {
        text.push_str(", ");
        text.push_str(line.ok()?);
    }
    Some(text)
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let piece = pieces(query).find(|it| is_named(it, name))?;
    decoded(halves(piece).1).map(std::borrow::Cow::into_owned)
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("claims", &self.claims.is_some())
            .field("parameters", &self.parameters.is_some())
            .finish()
    }
}
