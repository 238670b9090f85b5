//! One state of the whole configuration: numbered, digested, never changed.

use std::collections::HashSet;
use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use rrauth::Index;
use rrfilter::FilterSet;
use rrrules::RuleSet;

use crate::model::{Digest, SecretName, Target};

/// Everything a data plane needs to serve, whole.
#[derive(Debug)]
pub struct Revision {
    /// Grows by one with each accepted write.
    pub number: u64,
    /// Of everything in it.
    pub digest: Digest,
    /// Each proxy, once.
    pub proxies: Vec<Arc<Proxy>>,
}

/// One proxy with everything that serving it needs.
#[derive(Debug)]
pub struct Proxy {
    /// Of everything below: a stack built for an equal digest may be used again.
    pub digest: Digest,
    /// `prx_…`, or what the client chose.
    pub id: Arc<str>,
    /// Another name for it in `/api/{name}/…`, unique over the region.
    pub alias: Option<Arc<str>>,
    /// Requests that are its own without `/api/{name}`, in the order given.
    pub routes: Vec<RouteSpec>,
    /// The tenant that it belongs to.
    pub client: Arc<str>,
    /// An inactive proxy answers 503 `proxy-inactive`.
    pub active: bool,
    /// Who may call.
    pub authentication: Authentication,
    /// How often, over all credentials.
    pub limits: Arc<rratelimit::Policy>,
    /// The rules that hang on the proxy.
    pub rules: Arc<RuleSet>,
    /// What a request is answered with that rules deny.
    pub rule_deny_status: StatusCode,
    /// The filters that hang on the proxy.
    pub filters: Arc<FilterSet>,
    /// What is called.
    pub target: Arc<Target>,
    /// As whom it is called.
    pub credential: Arc<TargetCredential>,
}

/// A request that belongs to a proxy by what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSpec {
    /// In lower case, without a port; `*.` in front stands for one label. `None`: any host.
    pub host: Option<String>,
    /// A pattern in the syntax of `matchit`, such as `/v1/{name}` or `/v1/{*rest}`.
    pub path: String,
    /// Empty: all methods.
    pub methods: Vec<Method>,
    /// Whether the part of `path` before its first parameter is taken off before rules and the
    /// upstream see the path.
    pub strip_prefix: bool,
}

/// Who may call a proxy.
#[derive(Debug)]
pub enum Authentication {
    /// Anybody, because the proxy says `"authentication": "none"`.
    None,
    /// Whoever shows one of the bound credentials.
    Credentials {
        /// All proxy credentials of the client: a good one that is not bound is 403, not 401.
        index: Arc<Index<Arc<Consumer>>>,
        /// The headers in which API keys are looked for.
        headers: Vec<HeaderName>,
        /// The ids of the credentials bound to this proxy. Empty: nobody.
        bound: HashSet<Arc<str>>,
    },
}

/// A caller, as the authentication index yields it: what hangs on its credential.
#[derive(Debug)]
pub struct Consumer {
    /// The id of the credential.
    pub credential: Arc<str>,
    /// The rules that hang on the credential.
    pub rules: Arc<RuleSet>,
    /// The filters that hang on the credential.
    pub filters: Arc<FilterSet>,
}

/// What the gateway shows the upstream. The secret itself is in the data plane's vault.
#[derive(Debug)]
pub struct TargetCredential {
    /// Which secret of the vault; `None` where nothing secret is needed.
    pub secret: Option<SecretName>,
    /// How it is shown.
    pub present: Presentation,
    /// An inactive or expired credential is 503 `credential-unavailable`.
    pub active: bool,
    /// Milliseconds since the Unix epoch; `None`: never.
    pub expires_at_ms: Option<i64>,
    /// The rules that hang on the credential.
    pub rules: Arc<RuleSet>,
    /// The filters that hang on the credential.
    pub filters: Arc<FilterSet>,
}

/// How a credential is shown to the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presentation {
    /// Not at all (`none`).
    None,
    /// In a header, after a prefix.
    Header {
        /// Which header.
        name: HeaderName,
        /// Such as `Bearer `; may be empty.
        prefix: String,
    },
    /// In a query parameter.
    Query {
        /// Which parameter.
        name: String,
    },
    /// As `Authorization: Basic` (RFC 7617). The vault has the password.
    Basic {
        /// The user name, which is no secret.
        username: String,
    },
    /// In several headers. The vault has a JSON object of their names and values, as text.
    Headers {
        /// The names, as in that object but for their case, in order.
        names: Vec<HeaderName>,
    },
}
