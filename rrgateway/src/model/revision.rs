//! One state of the whole configuration: numbered, digested, never changed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use rrauth::Requirements;
use rrfilter::{FilterSet, Rewrite, Transform};
use rrrules::{RuleSet, Validator};

use crate::model::{Callers, Digest, Meter, SecretName, Target};

/// Everything a data plane needs to serve, whole.
#[derive(Debug)]
pub struct Revision {
    /// Grows by one with each accepted write.
    pub number: u64,
    /// Of everything in it.
    pub digest: Digest,
    /// Each proxy, once.
    pub proxies: Vec<Arc<Proxy>>,
    /// All callers of each client, by its id.
    pub callers: HashMap<Arc<str>, Arc<Callers>>,
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
    pub limits: Limits,
    /// What is counted besides.
    pub meters: Vec<Arc<Meter>>,
    /// The rules that hang on the proxy.
    pub rules: Arc<RuleSet>,
    /// What a request is answered with that rules deny.
    pub rule_deny_status: StatusCode,
    /// What shape requests must have, if any.
    pub validation: Option<Validation>,
    /// The filters that hang on the proxy.
    pub filters: Arc<FilterSet>,
    /// What is changed in requests and responses.
    pub transformation: Arc<Transformation>,
    /// Whether the credential is masked where the upstream sends it back.
    pub echo_shield: bool,
    /// Whether callers may turn a request into a WebSocket.
    pub allow_upgrade: bool,
    /// What is called.
    pub target: Arc<Target>,
    /// As whom it is called.
    pub credential: Arc<TargetCredential>,
}

/// How often a proxy may be called, over all credentials.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What may pass. Its label is the id of the proxy.
    pub policy: Arc<rratelimit::Policy>,
    /// Whether a request counts that a later stage refuses.
    pub count_refused: bool,
    /// Whether answers carry `X-RateLimit-*` too.
    pub legacy_headers: bool,
    /// The revision that made the proxy: one that is made again under the same id counts anew.
    pub since: u64,
}

/// What shape requests must have.
#[derive(Clone, Debug)]
pub struct Validation {
    /// What judges them.
    pub validator: Arc<Validator>,
    /// Whether responses are looked at too, for the record.
    pub watches_responses: bool,
}

/// What is changed in requests and responses.
#[derive(Clone, Debug)]
pub struct Transformation {
    /// Headers, query and bodies.
    pub transform: Arc<Transform>,
    /// Path and query, before anything looks at them.
    pub rewrite: Rewrite,
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
    None {
        /// The headers in which callers of the client show keys: none of these goes upstream.
        headers: Vec<HeaderName>,
    },
    /// Whoever shows one of the bound credentials.
    Credentials {
        /// All callers of the client: a good one that is not bound is 403, not 401.
        callers: Arc<Callers>,
        /// The headers in which API keys are looked for.
        headers: Vec<HeaderName>,
        /// The ids of the credentials bound to this proxy. Empty: nobody.
        bound: HashSet<Arc<str>>,
        /// Whether a credential may stand in the query.
        allow_query: bool,
        /// What callers must have been granted.
        requirements: Requirements,
        /// How often a client address may show a wrong credential in a minute; `None`: any number
        /// of times.
        failures: Option<Arc<rratelimit::Policy>>,
    },
}

/// What the gateway shows the upstream. The secret itself is in the data plane's vault.
#[derive(Debug)]
pub struct TargetCredential {
    /// Of how it is shown: what was fetched for an equal digest may be used again.
    pub digest: Digest,
    /// Which secret of the vault; `None` where nothing secret is needed.
    pub secret: Option<SecretName>,
    /// How it is shown.
    pub present: Presentation,
    /// An inactive or expired credential is 503 `credential-unavailable`.
    pub active: bool,
    /// Milliseconds since the Unix epoch; `None`: never.
    pub expires_at_ms: Option<i64>,
    /// Where the secret may go, as scheme, host and port.
    pub destinations: Vec<String>,
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
    /// As a token that is fetched (RFC 6749). The vault has a JSON object of `clientSecret` and
    /// `refreshToken`.
    OAuth2 {
        /// Where from.
        token_url: String,
        /// As whom.
        client_id: String,
        /// Whether the client's secret stands in the body, and not in a header.
        in_body: bool,
        /// What the token should grant.
        scopes: Vec<String>,
        /// Whom it is for.
        audience: Option<String>,
        /// Whether there is a refresh token.
        refreshes: bool,
        /// Whether the URL may be plain http.
        allow_plaintext: bool,
    },
    /// As a token that is fetched in a vendor's own way. The vault has a JSON object of `body` and
    /// the values of the headers, as `header:` and their names.
    CustomToken {
        /// How it is asked for.
        method: Method,
        /// Where from.
        url: String,
        /// The names of the headers to ask with.
        headers: Vec<String>,
        /// Where in the answer it is.
        token_path: String,
        /// How long it can be used, or where in the answer that is.
        lifetime: Lifetime,
        /// How it is shown: as a fixed secret would be.
        shown: Box<Self>,
        /// Whether the URL may be plain http.
        allow_plaintext: bool,
    },
    /// As a signature of the request (AWS Signature Version 4). The vault has a JSON object of
    /// `secretAccessKey` and `sessionToken`.
    AwsSigV4 {
        /// Whose.
        access_key_id: String,
        /// Such as `s3`.
        service: String,
        /// Such as `eu-central-1`.
        region: String,
    },
    /// As a signature of the request (RFC 9421). The vault has the key, in base64.
    HttpSignature {
        /// Which key.
        key_id: String,
        /// What is signed.
        components: Vec<String>,
    },
}

/// How long a fetched token can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// So long.
    Fixed(Duration),
    /// As the answer says there.
    Told(String),
}
