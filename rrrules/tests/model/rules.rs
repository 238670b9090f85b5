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
pub(crate) struct Spec {
    pub(crate) allows: bool,
    pub(crate) priority: u16,
    pub(crate) shadow: bool,
    pub(crate) methods: Vec<usize>,
    pub(crate) path: Option<(usize, bool)>,
    pub(crate) headers: Vec<Check>,
    pub(crate) query: Vec<Check>,
    pub(crate) body: Vec<Check>,
}

/// A check on a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) name: usize,
    pub(crate) by_pattern: bool,
    pub(crate) value: Option<usize>,
    pub(crate) present: bool,
}

/// The rules of a scope, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) default_allows: bool,
    pub(crate) rules: Vec<Spec>,
}

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: usize,
    pub(crate) path: usize,
    pub(crate) query: Vec<(usize, usize)>,
    pub(crate) headers: Vec<(usize, usize)>,
    pub(crate) body: usize,
}

/// What the crate is given of a request.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: CanonicalPath,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) const METHODS: [&str; 4] = ["GET", "PUT", "DELETE", "PURGE"];

pub(crate) const PATH_PATTERNS: [&str; 18] = [
    "^/users/",
    "^/users/[0-9]+$",
    "^/admin(/|$)",
    "(?i)^/admin",
    "/keys",
    r"\.json$",
    "^/v1/[^/]+:delete$",
    "^/café$",
    "",
    "^/$",
    "^/users/1/keys$",
    ".*",
    "/",
    "^/users/1$",
    "^/(users|admin)/",
    "^users",
    "^/users/%32",
    "//",
];
/// As sent, canonical, decoded.
pub(crate) const PATHS: [[&str; 3]; 14] = [
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
pub(crate) const NAMES: [&str; 4] = ["x-a", "x_a", "role", "debug"];
pub(crate) const NAME_PATTERNS: [&str; 4] = ["^x-", "^X_A$", "^role", "ug$"];
pub(crate) const VALUES: [&str; 5] = ["", "user", "admin", "a b", "User"];
pub(crate) const VALUE_PATTERNS: [&str; 6] =
    ["^user$", "(?i)^user", "^admin,admin$", "^$", "a", "^(user|admin)$"];
/// What is no JSON cannot be inspected.
pub(crate) const BODIES: [&str; 5] = [
    "",
    r#"{"role":"user"}"#,
    r#"{"role":"admin","debug":""}"#,
    r#"{"x-a":"User","x_a":"a b"}"#,
    "<xml/>",
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
    pub(crate) fn rule(&self, id: usize) -> Rule {
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
            rule = rule.header(HeaderCheck {
                name,
                value: it.value(),
                presence: presence(it.present),
            });
        }
        for it in &self.query {
            let name = match it.by_pattern {
                true => QueryName::pattern(COMPILED[1][it.name].clone()),
                false => QueryName::exact(NAMES[it.name]),
            };
            rule =
                rule.query(QueryCheck { name, value: it.value(), presence: presence(it.present) });
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
    pub(crate) fn default(&self) -> Effect {
        if self.default_allows { Effect::Allow } else { Effect::Deny }
    }

    pub(crate) fn compiled(&self) -> RuleSet {
        self.without(&[])
    }

    /// Without the rules of these ids.
    pub(crate) fn without(&self, ids: &[&str]) -> RuleSet {
        let rules =
            self.rules.iter().enumerate().filter(|(id, _)| !ids.contains(&&*id.to_string()));
        RuleSet::new(rules.map(|(id, it)| it.rule(id)).collect(), self.default()).unwrap()
    }
}

impl Sent {
    pub(crate) fn request(&self) -> Request {
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
    pub(crate) fn subject(&self) -> Subject<'_> {
        let Self { method, path, query, headers, body } = self;
        Subject { method, path, query: query.as_deref(), headers, body }
    }
}

fn presence(present: bool) -> Presence {
    if present { Presence::Present } else { Presence::Absent }
}
