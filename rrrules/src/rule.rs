//! One rule: what it asks of a request, and what it says about those that fit.

use std::sync::Arc;

use http::Method;

use crate::header::HeaderCheck;
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

/// An effect on requests that meet every criterion given; without any, on all.
#[derive(Clone, Debug)]
#[must_use]
pub struct Rule {
    pub(crate) id: Arc<str>,
    pub(crate) effect: Effect,
    pub(crate) priority: u16,
    methods: Vec<Box<str>>,
    path: Option<(Pattern, Presence)>,
    query: Vec<QueryCheck>,
    headers: Vec<HeaderCheck>,
}

impl Rule {
    /// A rule that asks for nothing yet, of priority 500.
    pub fn new(id: impl Into<Arc<str>>, effect: Effect) -> Self {
        Self {
            id: id.into(),
            effect,
            priority: 500,
            methods: Vec::new(),
            path: None,
            query: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// From 0 to 1000; higher is evaluated and reported first. Never makes an `Allow` win.
    pub const fn priority(mut self, priority: u16) -> Self {
        self.priority = priority;
        self
    }

    /// Asks for one of these methods, letter by letter (RFC 9110 §9.1: methods are
    /// case-sensitive). An empty list asks for nothing.
    pub fn methods(mut self, methods: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.methods = methods.into_iter().map(|it| it.as_ref().into()).collect();
        self
    }

    /// Asks for a path that `pattern` is, or is not, found in.
    ///
    /// The path is the [`CanonicalPath`](crate::CanonicalPath). A `Deny` also holds when it holds
    /// for that path with all escapes decoded: a server that reads `%3A` as `:` must not be reached
    /// by spelling it so.
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

    pub(crate) fn looks_at_query(&self) -> bool {
        !self.query.is_empty()
    }

    /// Whether every criterion is met.
    pub(crate) fn holds(&self, reading: &Reading<'_>) -> bool {
        let subject = reading.subject();
        self.holds_for_method(subject.method)
            && self.holds_for_path(reading)
            && self.holds_for_query(reading)
            && self.headers.iter().all(|check| check.holds(subject.headers))
    }

    fn holds_for_method(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|it| **it == *method.as_str())
    }

    fn holds_for_path(&self, reading: &Reading<'_>) -> bool {
        let Some((pattern, presence)) = &self.path else { return true };
        let holds = |path: &str| presence.holds(pattern.is_match(path));
        let canonical = reading.subject().path.as_str();
        match self.effect {
            Effect::Allow => holds(canonical),
            Effect::Deny => holds(canonical) || reading.decoded_path().is_some_and(holds),
        }
    }

    fn holds_for_query(&self, reading: &Reading<'_>) -> bool {
        if self.query.is_empty() {
            return true;
        }
        match (self.effect, reading.query()) {
            (Effect::Allow, Ok(query)) => self.query.iter().all(|it| it.must_hold(query)),
            (Effect::Deny, Ok(query)) => self.query.iter().all(|it| it.may_hold(query)),
            // Nobody knows what the upstream makes of it.
            (Effect::Allow, Err(_)) => false,
            (Effect::Deny, Err(_)) => true,
        }
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
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let subject = Subject { method: &method, path: &path, query, headers: &headers };
        assert_eq!(rule.holds(&Reading::new(subject)), expected, "{method} {target} {names:?}");
    }
}
