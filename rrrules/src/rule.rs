//! One rule: what it asks of a request, and what it says about those that fit.

use std::sync::Arc;

use crate::body::BodyCheck;
use crate::finding::{Criterion, Finding};
use crate::header::HeaderCheck;
use crate::methods::Methods;
use crate::pattern::{Pattern, Presence};
use crate::query_check::QueryCheck;
use crate::subject::Reading;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It may go on.
    Allow,
    /// It may not.
    Deny,
}

/// What comes of what a rule says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It counts.
    #[default]
    Enforce,
    /// It is recorded, and decides nothing: to see what a rule would do before it is live.
    Shadow,
}

/// An effect on requests that meet every criterion given; without any, on all.
#[derive(Clone, Debug)]
#[must_use]
pub struct Rule {
    pub(crate) id: Arc<str>,
    pub(crate) effect: Effect,
    pub(crate) priority: u16,
    pub(crate) mode: Mode,
    pub(crate) methods: Methods,
    pub(crate) path: Option<(Pattern, Presence)>,
    pub(crate) query: Vec<QueryCheck>,
    pub(crate) headers: Vec<HeaderCheck>,
    pub(crate) body: Vec<BodyCheck>,
}

impl Rule {
    /// A rule that asks for nothing yet, of priority 500.
    pub fn new(id: impl Into<Arc<str>>, effect: Effect) -> Self {
        Self {
            id: id.into(),
            effect,
            priority: 500,
            mode: Mode::Enforce,
            methods: Methods::default(),
            path: None,
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// What it was named.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// From 0 to 1000; higher is evaluated and reported first. Never makes an `Allow` win.
    pub const fn priority(mut self, priority: u16) -> Self {
        self.priority = priority;
        self
    }

    /// Whether it counts, or is only recorded.
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Asks for one of these methods, letter by letter (RFC 9110 §9.1: methods are
    /// case-sensitive). An empty list asks for nothing.
    pub fn methods(mut self, methods: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.methods = Methods::of(methods);
        self
    }

    /// Asks for a path that `pattern` is, or is not, found in.
    ///
    /// The path is the [`CanonicalPath`](crate::CanonicalPath). A `Deny` also holds when it holds
    /// for another way to read that path, such as with all escapes decoded: a server that reads
    /// `%3A` as `:` must not be reached by spelling it so.
    pub fn path(mut self, pattern: Pattern, presence: Presence) -> Self {
        self.path = Some((pattern, presence));
        self
    }

    /// Asks for one thing more of the query.
    ///
    /// A `Deny` also holds when it holds for the query split at `;` too, or when a value matches
    /// with its `+` as they are: some servers read them so. An `Allow` that asks for absence does
    /// not hold when such a server would find what should be absent.
    pub fn query(mut self, check: QueryCheck) -> Self {
        self.query.push(check);
        self
    }

    /// Asks for one thing more of the headers.
    pub fn header(mut self, check: HeaderCheck) -> Self {
        self.headers.push(check);
        self
    }

    /// Asks for one thing more of the body.
    ///
    /// The body is asked last, and only when all else is met. Where it cannot be inspected, the
    /// scope denies, whatever this rule's effect.
    pub fn body(mut self, check: BodyCheck) -> Self {
        self.body.push(check);
        self
    }

    pub(crate) fn looks_at_query(&self) -> bool {
        !self.query.is_empty()
    }

    /// Asks for everything but the body.
    pub(crate) fn check(&self, reading: &Reading<'_>) -> Finding {
        match self.without_body(reading) {
            Finding::Holds if !self.body.is_empty() => Finding::NeedsBody,
            finding => finding,
        }
    }

    fn without_body(&self, reading: &Reading<'_>) -> Finding {
        let subject = reading.subject();
        if !self.methods.is_any() && !self.methods.contains(subject.method, reading.method()) {
            return Finding::Fails(Criterion::Methods);
        }
        if !self.holds_for_path(reading) {
            return Finding::Fails(Criterion::Path);
        }
        // What is known not to be met decides, whatever else is not known.
        let headers = self.headers_finding(reading);
        if let Finding::Fails(_) = headers {
            return headers;
        }
        match (headers, self.query_finding(reading)) {
            (_, fails @ Finding::Fails(_)) => fails,
            (Finding::Holds, query) => query,
            (headers, _) => headers,
        }
    }

    fn holds_for_path(&self, reading: &Reading<'_>) -> bool {
        let Some((pattern, presence)) = &self.path else { return true };
        let canonical = reading.subject().path.as_str();
        let holds = presence.holds(pattern.is_match_with(canonical, || reading.path_letters()));
        match self.effect {
            Effect::Allow => holds,
            Effect::Deny => {
                let holds_for = |path: &String| presence.holds(pattern.is_match(path));
                holds || reading.other_paths().iter().any(holds_for)
            }
        }
    }

    fn headers_finding(&self, reading: &Reading<'_>) -> Finding {
        if self.headers.is_empty() {
            return Finding::Holds;
        }
        if reading.lacks().headers {
            return Finding::Unknown(Criterion::Header(0));
        }
        let failing = self.headers.iter().position(|check| !check.holds(reading));
        failing.map_or(Finding::Holds, |at| Finding::Fails(Criterion::Header(at)))
    }

    fn query_finding(&self, reading: &Reading<'_>) -> Finding {
        if self.query.is_empty() {
            return Finding::Holds;
        }
        let lacks = reading.lacks();
        if lacks.query {
            return Finding::Unknown(Criterion::Query(0));
        }
        let query = match (self.effect, reading.query()) {
            (_, Ok(query)) => query,
            // Nobody knows what the upstream makes of it.
            (Effect::Allow, Err(_)) => return Finding::Fails(Criterion::Query(0)),
            (Effect::Deny, Err(_)) => return Finding::Holds,
        };
        let mut finding = Finding::Holds;
        for (at, check) in self.query.iter().enumerate() {
            if lacks.query_values && check.asks_for_values(query) {
                finding = Finding::Unknown(Criterion::Query(at));
                continue;
            }
            let holds = match self.effect {
                Effect::Allow => check.must_hold(query),
                Effect::Deny => check.may_hold(query),
            };
            if !holds {
                return Finding::Fails(Criterion::Query(at));
            }
        }
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::NameMatch;
    use crate::path::CanonicalPath;
    use crate::query_check::QueryName;
    use crate::subject::Subject;
    use Effect::{Allow, Deny};
    use Presence::{Absent, Present};
    use http::HeaderMap;

    #[test]
    fn every_criterion_must_hold() {
        let rule = Rule::new("r", Deny)
            .methods(["DELETE", "PURGE"])
            .path(pattern("^/users/"), Present)
            .header(present("x-a"))
            .header(present("x-b"));
        check(&rule, "DELETE", "/users/1", &["x-a", "x-b"], true);
        check(&rule, "PURGE", "/users/1", &["x-a", "x-b"], true);
        check(&rule, "GET", "/users/1", &["x-a", "x-b"], false);
        check(&rule, "delete", "/users/1", &["x-a", "x-b"], false);
        check(&rule, "DELETE", "/users", &["x-a", "x-b"], false);
        check(&rule, "DELETE", "/users/1", &["x-a"], false);
    }

    #[test]
    fn a_rule_without_criteria_holds_for_everything() {
        check(&Rule::new("r", Deny), "GET", "/", &[], true);
        check(&Rule::new("r", Deny).methods([""; 0]), "GET", "/", &[], true);
    }

    #[test]
    fn an_absent_path_is_one_that_does_not_match() {
        let rule = Rule::new("r", Deny).path(pattern("^/public/"), Absent);
        check(&rule, "GET", "/public/../admin", &[], true);
        check(&rule, "GET", "/public/a", &[], false);
    }

    #[test]
    fn a_deny_sees_through_escapes_and_an_allow_does_not() {
        let on = |effect| Rule::new("r", effect).path(pattern("^/v1/[^/]+:delete$"), Present);
        check(&on(Deny), "GET", "/v1/x%3adelete", &[], true);
        check(&on(Allow), "GET", "/v1/x%3adelete", &[], false);
        check(&on(Allow), "GET", "/v1/x:delete", &[], true);
        let accent = Rule::new("r", Deny).path(pattern("^/café$"), Present);
        check(&accent, "GET", "/caf%c3%a9", &[], true);
        let canonical = Rule::new("r", Deny).path(pattern("^/caf%C3%A9$"), Present);
        check(&canonical, "GET", "/caf%c3%a9", &[], true);
    }

    #[test]
    fn every_query_check_must_hold() {
        let rule = Rule::new("r", Allow).query(asks("a", Present)).query(asks("b", Absent));
        check(&rule, "GET", "/?a=1", &[], true);
        check(&rule, "GET", "/?a=1&b", &[], false);
        check(&rule, "GET", "/?", &[], false);
        check(&rule, "GET", "/", &[], false);
    }

    #[test]
    fn a_query_without_a_reading_is_denied_and_not_allowed() {
        for presence in [Present, Absent] {
            let on = |effect| Rule::new("r", effect).query(asks("a", presence));
            check(&on(Deny), "GET", "/?%zz", &[], true);
            check(&on(Allow), "GET", "/?%zz", &[], false);
        }
        check(&Rule::new("r", Allow), "GET", "/?%zz", &[], true);
    }

    fn asks(name: &str, presence: Presence) -> QueryCheck {
        QueryCheck { name: QueryName::exact(name), value: None, presence }
    }

    fn pattern(pattern: &str) -> Pattern {
        Pattern::new(pattern, "").unwrap()
    }

    fn present(name: &'static str) -> HeaderCheck {
        let name = NameMatch::exact(http::HeaderName::from_static(name));
        HeaderCheck { name, value: None, presence: Present }
    }

    #[track_caller]
    fn check(rule: &Rule, method: &str, target: &str, names: &[&'static str], expected: bool) {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.insert(*name, http::HeaderValue::from_static("1"));
        }
        let (path, query) = target.split_once('?').map_or((target, None), |(a, b)| (a, Some(b)));
        let path = CanonicalPath::parse(path).unwrap();
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        let body = &bytes::Bytes::new();
        let subject = Subject { method: &method, path: &path, query, headers: &headers, body };
        let holds = rule.check(&Reading::new(subject)) == Finding::Holds;
        assert_eq!(holds, expected, "{method} {target} {names:?}");
    }
}
