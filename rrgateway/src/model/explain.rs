//! What would become of a request that is only described: asked above, answered where traffic is
//! served.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use rratelimit::{Decision, Window};
use rrcore::{Refusal, Scope, Stage};
use rrfilter::Operation;
use rrrules::Verdict;

use crate::model::Presentation;

/// Whoever serves, and can say what it would do.
pub trait Explain: Send + Sync + 'static {
    /// Decides about a described request by what is in force now. Consumes nothing, and sends
    /// nothing. Matches patterns and parses bodies: keep it off the threads that serve.
    fn explain(&self, question: &Question) -> Explanation;
}

/// A request, described.
#[derive(Clone)]
pub struct Question {
    /// The id or the alias of a proxy.
    pub proxy: String,
    /// As it would be sent.
    pub method: Method,
    /// What would follow `/api/{proxy}`, as it would be sent, perhaps with a query. Empty, or it
    /// begins with a slash.
    pub target: String,
    /// As they would be sent.
    pub headers: HeaderMap,
    /// As it would be sent.
    pub body: Bytes,
    /// The credential whose secret the request is taken to show; without one, what it does show
    /// counts.
    pub credential: Option<String>,
}

/// What would become of it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The revision that decided; `None` where none is served yet.
    pub revision: Option<u64>,
    /// What each stage has to say, in the order of the pipeline.
    pub stages: Vec<Explained>,
}

/// What one stage has to say.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Which.
    pub stage: Stage,
    /// What it would do.
    pub outcome: Outcome,
    /// Why, and what else it knows.
    pub finding: Finding,
}

/// What a stage would do. Also asked of stages that a refused request would not have reached.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It would let the request pass.
    Passed,
    /// It would answer with this.
    Refused(Refusal),
    /// It cannot tell, for this reason.
    Skipped(&'static str),
    /// The request would go upstream now: it was not sent.
    NotSent,
    /// It would change the response.
    Applies,
}

/// What a stage knows besides.
#[derive(Clone, Debug)]
pub enum Finding {
    /// Nothing.
    Nothing,
    /// The canonical path, behind the prefix.
    Path(String),
    /// Who is calling.
    Caller {
        /// The id of the credential.
        credential: Option<Arc<str>>,
        /// Whether the proxy asks for none.
        open: bool,
    },
    /// What would be left of each limit.
    Limits(Vec<LimitLeft>),
    /// What the rules of each scope say.
    Rules(Vec<ScopeSays>),
    /// As whom the upstream would be called.
    Credential(Presentation),
    /// The id of the target.
    Target(Arc<str>),
    /// What would be changed in the request, once it is known to be in shape.
    Changes(Changes),
    /// What would be applied to the response.
    Filters {
        /// In their order.
        filters: Vec<FilterApplies>,
        /// Whether the target credential is masked in it.
        shielded: bool,
    },
}

/// What would be changed in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Whether a transformation changes anything.
    pub transforms: bool,
    /// Whether the request's body is read whole for it.
    pub buffers_request: bool,
    /// Whether the response's body is.
    pub buffers_response: bool,
    /// The filters of the request's body, in their order.
    pub filters: Vec<FilterApplies>,
}

/// What would be left of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitLeft {
    /// Its name.
    pub policy: Arc<str>,
    /// Requests per window.
    pub max: u64,
    /// In seconds.
    pub window_seconds: u64,
    /// Requests that would fit after this one.
    pub remaining: u64,
    /// Seconds until there is room for more.
    pub reset_seconds: u64,
}

/// What the rules of one scope say.
#[derive(Clone, Debug)]
pub struct ScopeSays {
    /// What they hang on.
    pub scope: Scope,
    /// Their verdict, and what every rule had to say; `None` where nobody knows the caller, and so
    /// its rules.
    pub said: Option<rrrules::Explanation>,
}

/// A filter that would be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterApplies {
    /// Its id.
    pub id: Arc<str>,
    /// What it hangs on.
    pub scope: Scope,
    /// What it does.
    pub operation: Operation,
    /// Whether it only reports what it would do.
    pub shadow: bool,
    /// Whether the body is read whole for it.
    pub buffered: bool,
}

impl Explanation {
    /// What the answer would be; `None` where the request would go upstream.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.stages.iter().find_map(|it| match &it.outcome {
            Outcome::Refused(refusal) => Some(refusal),
            Outcome::Passed | Outcome::Skipped(_) | Outcome::NotSent | Outcome::Applies => None,
        })
    }
}

impl LimitLeft {
    /// What `decision` leaves of each limit.
    #[must_use]
    pub fn of(decision: &Decision) -> Vec<Self> {
        let limits = decision.standing().limits();
        let left = limits.map(|it| Self {
            policy: Arc::clone(it.limit().name()),
            max: it.limit().max(),
            window_seconds: Window::length(it.limit().window()).as_secs(),
            remaining: it.remaining(),
            reset_seconds: it.reset().as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
        });
        left.collect()
    }
}

impl ScopeSays {
    /// The verdict, where there is one.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.said.as_ref().map(|it| &it.verdict)
    }
}

// Headers and bodies carry secrets.
impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question")
            .field("proxy", &self.proxy)
            .field("method", &self.method)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}
