//! Says what would become of a request that is only described, by asking the layers that serve.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use rrauth::{Access, AuthExplained};
use rrcore::{BufferedBody, Code, Context, Identity, ReadOutcome, Refusal, Scope, Stage};
use rrfilter::{Asked, Filter};
use rrrules::{CanonicalPath, Subject};

use crate::data_plane::edge::Edge;
use crate::data_plane::exchange::Exchange;
use crate::data_plane::layers::{Callers, Layers};
use crate::data_plane::limits::MOST_BYTES;
use crate::data_plane::route::Route;
use crate::data_plane::router::Routes;
use crate::data_plane::{hygiene, injection};
use crate::model::{
    Changes, Explain, Explained, Explanation, FilterApplies, Finding, LimitLeft, Outcome, Question,
    ScopeSays,
};

/// Answers by the routes of the revision that is current. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Explainer {
    edge: Edge,
    host: HeaderValue,
}

impl Explainer {
    /// Decides as `edge` does. A described request that names no host is one to `address`.
    #[must_use]
    pub fn new(edge: Edge, address: SocketAddr) -> Self {
        // An address is always a header value.
        let host = HeaderValue::from_str(&address.to_string());
        Self { edge, host: host.unwrap_or(HeaderValue::from_static("localhost")) }
    }

    // As it would come in; what a client adds by itself is added.
    fn request(&self, question: &Question) -> Option<Request<()>> {
        let Question { proxy, method, target, headers, body, .. } = question;
        let mut request = Request::new(());
        *request.uri_mut() = Uri::try_from(format!("/api/{proxy}{target}")).ok()?;
        request.method_mut().clone_from(method);
        request.headers_mut().clone_from(headers);
        let headers = request.headers_mut();
        if !headers.contains_key(HOST) {
            headers.insert(HOST, self.host.clone());
        }
        let is_framed =
            headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
        if !body.is_empty() && !is_framed {
            headers.insert(CONTENT_LENGTH, body.len().into());
        }
        Some(request)
    }
}

impl Explain for Explainer {
    fn explain(&self, question: &Question) -> Explanation {
        let context = Context::new(self.edge.clock());
        let routes = self.edge.live().current();
        let revision = routes.as_ref().map(|it| it.revision);
        let mut told = Told { stages: Vec::with_capacity(ORDER.len()), context };
        told.edge(self, routes.as_deref(), question);
        Explanation { revision, stages: told.whole() }
    }
}

/// What the stages said so far.
struct Told {
    stages: Vec<Explained>,
    context: Context,
}

impl Told {
    // The order of `pipeline::edge`.
    fn edge(&mut self, explainer: &Explainer, routes: Option<&Routes>, question: &Question) {
        let Some(mut request) = explainer.request(question) else {
            let refusal = Refusal::new(Code::MalformedRequest).because("it cannot be written");
            return self.judged(Stage::Hygiene, Err(refusal), Finding::Nothing);
        };
        let (most, via) = (explainer.edge.max_request_bytes(), explainer.edge.via());
        let admitted = hygiene::admit(&mut request, most, via);
        let is_clean = admitted.is_ok();
        self.judged(Stage::Hygiene, admitted, Finding::Nothing);
        if !is_clean {
            return;
        }
        let Some(routes) = routes else {
            return self.judged(Stage::Route, Err(Code::NotReady.into()), Finding::Nothing);
        };
        let exchange = Exchange::new(self.context.clone());
        let routed = routes.route(&exchange, &mut request).map(drop);
        let path = request.extensions().get::<CanonicalPath>().cloned();
        let finding = path.as_ref().map(|it| Finding::Path(it.to_string()));
        self.judged(Stage::Route, routed, finding.unwrap_or(Finding::Nothing));
        // Also where the proxy is switched off, or the path has no single reading.
        let proxy = exchange.notes().proxy.clone();
        if let Some(route) = proxy.and_then(|it| routes.table.get(&it.id)) {
            self.route(route, request, question);
        }
    }

    // The order of `pipeline::route`.
    fn route(&mut self, route: &Route, request: Request<()>, question: &Question) {
        let layers = &route.stages().layers;
        let request = self.callers(&layers.callers, request, question);
        let (head, ()) = request.into_parts();
        self.limit(layers, &head, question);
        let request = Request::from_parts(head, ());
        self.rules(layers, &request, question);
        let request = hygiene::without_nominated(request);
        self.validate(layers, &request, question);
        let asked = Asked::of(&request);
        let applying = |them: Option<Vec<(Scope, Filter)>>| {
            them.map(|them| them.into_iter().filter(|it| it.1.applies(&asked)).collect::<Vec<_>>())
        };
        let on_request = applying(layers.request_filter.explain(request.extensions()));
        let on_response = applying(layers.filter.explain(request.extensions()));
        self.transform(layers, on_request);
        let request = route.upstream.aimed(request);
        self.inject(route, &request);
        let target = Finding::Target(Arc::clone(&route.proxy.target.id));
        self.push(Stage::Upstream, Outcome::NotSent, target);
        self.filter(on_response, layers.shield.is_on());
    }

    fn callers(
        &mut self,
        callers: &Callers,
        mut request: Request<()>,
        question: &Question,
    ) -> Request<()> {
        let (authenticate, known, admission) = match callers {
            Callers::Anybody(strip) => {
                let caller = Finding::Caller { credential: None, open: true };
                let stripped = strip.strip(&mut request);
                self.judged(Stage::Authenticate, stripped, caller);
                self.judged(Stage::Authorize, Ok(()), Finding::Nothing);
                return request;
            }
            Callers::Known { authenticate, known, admission } => (authenticate, known, admission),
        };
        let explained = match question.credential.as_deref() {
            None => authenticate.explain(&self.context, &mut request),
            Some(id) => {
                let named = known.known.get(id).map(|it| Arc::clone(&it.credential).into());
                authenticate.explain_as(&self.context, &mut request, named)
            }
        };
        let AuthExplained { credential, refusal, .. } = explained;
        let id = credential.as_ref().map(|it| Arc::clone(&it.id));
        // Whose budget it would be, also where it is refused.
        if let Some(it) = &credential {
            let (subject, id) = (Arc::clone(&it.subject), Arc::clone(&it.id));
            self.context.identify(Identity::new(subject, id, it.kind.as_str()));
        }
        let caller = Finding::Caller { credential: id, open: false };
        self.judged(Stage::Authenticate, refusal.map_or(Ok(()), Err), caller);
        match credential {
            None => self.skipped(Stage::Authorize, UNKNOWN, Finding::Nothing),
            Some(it) => {
                let may = match admission.access(&it.caller, request.extensions()) {
                    Access::Granted => Ok(()),
                    Access::Denied => Err(Code::NotAuthorized.into()),
                    Access::Insufficient(unmet) => Err(unmet.refusal()),
                };
                self.judged(Stage::Authorize, may, Finding::Nothing);
            }
        }
        request
    }

    fn limit(&mut self, layers: &Layers, head: &Parts, question: &Question) {
        let mut head = with_body(head, &question.body);
        head.extensions.insert(self.context.clone());
        let (decision, refusal) = layers.limit.explain(&head, self.context.now());
        let left = Finding::Limits(LimitLeft::of(&decision));
        self.judged(Stage::Limit, refusal.map_or(Ok(()), Err), left);
    }

    fn rules(&mut self, layers: &Layers, request: &Request<()>, question: &Question) {
        let extensions = request.extensions();
        let Some(path) = extensions.get::<CanonicalPath>() else {
            return self.skipped(Stage::Rules, "the path has no single reading", Finding::Nothing);
        };
        let subject = Subject {
            method: request.method(),
            path,
            query: request.uri().query(),
            headers: request.headers(),
            body: &question.body,
        };
        let explained = layers.rules.explain(&subject, extensions);
        let scopes = explained.scopes.into_iter().map(|(scope, said)| ScopeSays { scope, said });
        let scopes: Vec<_> = scopes.collect();
        let is_whole = scopes.iter().all(|it| it.said.is_some());
        match explained.refusal {
            // That nobody knows the caller's rules is why they deny.
            Some(it) if !is_whole && it.code() == Code::RuleDenied => {
                self.skipped(Stage::Rules, UNKNOWN, Finding::Rules(scopes));
            }
            refusal => {
                self.judged(Stage::Rules, refusal.map_or(Ok(()), Err), Finding::Rules(scopes));
            }
        }
    }

    fn validate(&mut self, layers: &Layers, request: &Request<()>, question: &Question) {
        let valid = layers.validate.explain(request, &question.body);
        self.judged(Stage::Validate, valid, Finding::Nothing);
    }

    fn inject(&mut self, route: &Route, request: &Request<()>) {
        let credential = &route.proxy.credential;
        let can = route.stages().layers.inject.explain(request);
        let can = can.and_then(|_| injection::in_time(credential, self.context.now()));
        self.judged(Stage::Inject, can, Finding::Credential(credential.present.clone()));
    }

    fn transform(&mut self, layers: &Layers, filters: Option<Vec<(Scope, Filter)>>) {
        let Some(filters) = filters else {
            return self.skipped(Stage::Transform, UNKNOWN, Finding::Nothing);
        };
        let transform = layers.transform.in_force();
        let changes = Changes {
            transforms: !transform.is_empty(),
            buffers_request: transform.reads_requests() || !filters.is_empty(),
            buffers_response: transform.reads_responses(),
            filters: filters.iter().map(|it| applies(it, true)).collect(),
        };
        let is_idle = !changes.transforms && changes.filters.is_empty();
        let outcome = if is_idle { Outcome::Passed } else { Outcome::Applies };
        self.push(Stage::Transform, outcome, Finding::Changes(changes));
    }

    fn filter(&mut self, filters: Option<Vec<(Scope, Filter)>>, shielded: bool) {
        let Some(filters) = filters else {
            return self.skipped(Stage::Filter, UNKNOWN, Finding::Nothing);
        };
        let outcome = if filters.is_empty() { Outcome::Passed } else { Outcome::Applies };
        let filters = filters.iter().map(|it| applies(it, it.1.needs_buffering())).collect();
        self.push(Stage::Filter, outcome, Finding::Filters { filters, shielded });
    }

    fn judged(&mut self, stage: Stage, judged: Result<(), Refusal>, finding: Finding) {
        self.push(stage, judged.map_or_else(Outcome::Refused, |()| Outcome::Passed), finding);
    }

    fn skipped(&mut self, stage: Stage, why: &'static str, finding: Finding) {
        self.push(stage, Outcome::Skipped(why), finding);
    }

    fn push(&mut self, stage: Stage, outcome: Outcome, finding: Finding) {
        self.stages.push(Explained { stage, outcome, finding });
    }

    // Stages that could not be asked say so.
    fn whole(mut self) -> Vec<Explained> {
        for stage in ORDER.into_iter().skip(self.stages.len()) {
            self.skipped(stage, "it does not get as far as a proxy", Finding::Nothing);
        }
        self.stages
    }
}

fn applies((scope, filter): &(Scope, Filter), buffered: bool) -> FilterApplies {
    FilterApplies {
        id: Arc::clone(filter.id()),
        scope: *scope,
        operation: filter.operation(),
        shadow: filter.is_shadow(),
        buffered,
    }
}

// As it is once the body was read, which is here already.
fn with_body(head: &Parts, body: &Bytes) -> Parts {
    let request = Request::from_parts(head.clone(), Full::new(body.clone()));
    match BufferedBody::read(request, MOST_BYTES).now_or_never() {
        Some(ReadOutcome::Whole(request) | ReadOutcome::TooLarge(request)) => {
            request.into_parts().0
        }
        Some(ReadOutcome::Failed(_)) | None => head.clone(),
    }
}

/// Every stage that is asked, in the order of the answer.
const ORDER: [Stage; 11] = [
    Stage::Hygiene,
    Stage::Route,
    Stage::Authenticate,
    Stage::Authorize,
    Stage::Limit,
    Stage::Rules,
    Stage::Validate,
    Stage::Transform,
    Stage::Inject,
    Stage::Upstream,
    Stage::Filter,
];
const UNKNOWN: &str = "nobody knows the caller";
