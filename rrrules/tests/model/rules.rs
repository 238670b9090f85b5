//! Rules and requests as plain values, and what they are for the crate.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rrrules::{
    BodyCheck, CanonicalPath, Effect, HeaderCheck, Mode, NameMatch, Pattern, Presence, QueryCheck,
    QueryName, Rule, RuleSet, Subject,
};

/// A rule. Numbers are places in the tables below.
#[derive(Clone, Debug)]
pub struct Spec {
    pub allows: bool,
    pub priority: u16,
    pub shadow: bool,
    pub methods: Vec<usize>,
    pub path: Option<(usize, bool)>,
    pub headers: Vec<Check>,
    pub query: Vec<Check>,
    pub body: Vec<Check>,
}

/// A check on a name.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    pub name: usize,
    pub by_pattern: bool,
    pub value: Option<usize>,
    pub present: bool,
}

/// The rules of a scope, oldest first.
#[derive(Clone, Debug)]
pub struct Set {
    pub default_allows: bool,
    pub rules: Vec<Spec>,
}

#[derive(Clone, Debug)]
pub struct Sent {
    pub method: usize,
    pub path: usize,
    pub query: Vec<(usize, usize)>,
    pub headers: Vec<(usize, usize)>,
    pub body: usize,
}

/// What the crate is given of a request.
pub struct Request {
    pub method: Method,
    pub path: CanonicalPath,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub const METHODS: [&str; 4] = ["GET", "PUT", "DELETE", "PURGE"];

pub const PATH_PATTERNS: [&str; 18] = [
    "^/users/", "^/users/[0-9]+$", "^/admin(/|$)", "(?i)^/admin", "/keys", r"\.json$",
    "^/v1/[^/]+:delete$", "^/café$", "", "^/$", "^/users/1/keys$", ".*", "/", "^/users/1$",
    "^/(users|admin)/", "^users", "^/users/%32", "//",
];
/// As sent, canonical, decoded.
pub const PATHS: [[&str; 3]; 14] = [
    ["/", "/", "/"],
    ["/users", "/users", "/users"],
    ["/users/1", "/users/1", "/users/1"],
    ["/users/%31", "/users/1", "/users/1"],
    ["//users//22", "/users/22", "/users/22"],
    ["/users/1/keys", "/users/1/keys", "/users/1/keys"],
    ["/admin", "/admin", "/admin"],
    ["/users/../ADMIN/keys", "/ADMIN/keys", "/ADMIN/keys"],
    ["/administrator", "/administrator", "/administrator"],
    ["/admin/a.json", "/admin/a.json", "/admin/a.json"],
    ["/v1/x:delete", "/v1/x:delete", "/v1/x:delete"],
    ["/v1/x%3adelete", "/v1/x%3Adelete", "/v1/x:delete"],
    ["/caf%c3%a9", "/caf%C3%A9", "/café"],
    ["/%61dmin/", "/admin/", "/admin/"],
];
pub const NAMES: [&str; 4] = ["x-a", "x_a", "role", "debug"];
pub const NAME_PATTERNS: [&str; 4] = ["^x-", "^X_A$", "^role", "ug$"];
pub const VALUES: [&str; 5] = ["", "user", "admin", "a b", "User"];
pub const VALUE_PATTERNS: [&str; 6] = ["^user$", "(?i)^user", "^admin,admin$", "^$", "a", "^(user|admin)$"];
/// What is no JSON cannot be inspected.
pub const BODIES: [&str; 5] = [
    "", r#"{"role":"user"}"#, r#"{"role":"admin","debug":""}"#, r#"{"x-a":"User","x_a":"a b"}"#, "<xml/>",
];

static COMPILED: LazyLock<[Vec<Pattern>; 3]> = LazyLock::new(|| {
    let all = |sources: &[&str]| sources.iter().map(|it| Pattern::new(it, "").unwrap()).collect();
    [all(&PATH_PATTERNS), all(&NAME_PATTERNS), all(&VALUE_PATTERNS)]
});
static NAME_MATCHES: LazyLock<Vec<NameMatch>> =
    LazyLock::new(|| NAME_PATTERNS.iter().map(|it| NameMatch::pattern(it, "").unwrap()).collect());
static BODY_NAMES: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    NAMES.iter().map(|it| Pattern::new(&format!("^{it}$"), "").unwrap()).collect()
});

impl Spec {
    pub fn rule(&self, id: usize) -> Rule {
        let effect = if self.allows { Effect::Allow } else { Effect::Deny };
        let mode = if self.shadow { Mode::Shadow } else { Mode::Enforce };
        let mut rule = Rule::new(id.to_string(), effect).priority(self.priority).mode(mode);
        rule = rule.methods(self.methods.iter().map(|it| METHODS[*it]));
        if let Some((pattern, present)) = self.path {
            rule = rule.path(COMPILED[0][pattern].clone(), presence(present));
        }
        for it in &self.headers {
            let name = match it.by_pattern {
                true => NAME_MATCHES[it.name].clone(),
                false => NameMatch::exact(HeaderName::from_static(NAMES[it.name])),
            };
            rule = rule.header(HeaderCheck { name, value: it.value(), presence: presence(it.present) });
        }
        for it in &self.query {
            let name = match it.by_pattern {
                true => QueryName::pattern(COMPILED[1][it.name].clone()),
                false => QueryName::exact(NAMES[it.name]),
            };
            rule = rule.query(QueryCheck { name, value: it.value(), presence: presence(it.present) });
        }
        for it in &self.body {
            let path = BODY_NAMES[it.name].clone();
            rule = rule.body(BodyCheck { path, value: it.value(), presence: presence(it.present) });
        }
        rule
    }
}

impl Check {
    fn value(self) -> Option<Pattern> {
        self.value.map(|it| COMPILED[2][it].clone())
    }
}

impl Set {
    pub fn default(&self) -> Effect {
        if self.default_allows { Effect::Allow } else { Effect::Deny }
    }

    pub fn compiled(&self) -> RuleSet {
        self.without(&[])
    }

    /// Without the rules of these ids.
    pub fn without(&self, ids: &[&str]) -> RuleSet {
        let rules = self.rules.iter().enumerate().filter(|(id, _)| !ids.contains(&&*id.to_string()));
        RuleSet::new(rules.map(|(id, it)| it.rule(id)).collect(), self.default()).unwrap()
    }
}

impl Sent {
    pub fn request(&self) -> Request {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(NAMES[*name], HeaderValue::from_static(VALUES[*value]));
        }
        let pair = |(name, value): &(usize, usize)| {
            format!("{}={}", NAMES[*name], VALUES[*value].replace(' ', "%20"))
        };
        let query: Vec<_> = self.query.iter().map(pair).collect();
        Request {
            method: Method::from_bytes(METHODS[self.method].as_bytes()).unwrap(),
            path: CanonicalPath::parse(PATHS[self.path][0]).unwrap(),
            query: (!query.is_empty()).then(|| query.join("&")),
            headers,
            body: Bytes::from_static(BODIES[self.body].as_bytes()),
        }
    }
}

impl Request {
    pub fn subject(&self) -> Subject<'_> {
        let Self { method, path, query, headers, body } = self;
        Subject { method, path, query: query.as_deref(), headers, body }
    }
}

fn presence(present: bool) -> Presence {
    if present { Presence::Present } else { Presence::Absent }
}
