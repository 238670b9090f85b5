//! One rule: what it asks of a request, and what it says about those that fit.

use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::header::HeaderCheck;
use crate::path::CanonicalPath;
use crate::pattern::{Pattern, Presence};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It may go on.
    Allow,
    /// It may not.
    Deny,
}

/// What rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The path that the upstream will get.
    pub path: &'a CanonicalPath,
    /// All request headers, also those that will be removed on the way.
    pub headers: &'a HeaderMap,
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
    /// The path is the [`CanonicalPath`]. A `Deny` also holds when it holds for that path with all
    /// escapes decoded: a server that reads `%3A` as `:` must not be reached by spelling it so.
    pub fn path(mut self, pattern: Pattern, presence: Presence) -> Self {
        self.path = Some((pattern, presence));
        self
    }

    /// Asks for one thing more of the headers.
    pub fn header(mut self, check: HeaderCheck) -> Self {
        self.headers.push(check);
        self
    }

    /// Whether `subject`, whose path is `decoded` when all escapes are, meets every criterion.
    pub(crate) fn holds(&self, subject: &Subject<'_>, decoded: Option<&str>) -> bool {
        self.holds_for_method(subject.method)
            && self.holds_for_path(subject.path.as_str(), decoded)
            && self.headers.iter().all(|check| check.holds(subject.headers))
    }

    fn holds_for_method(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|it| **it == *method.as_str())
    }

    fn holds_for_path(&self, canonical: &str, decoded: Option<&str>) -> bool {
        let Some((pattern, presence)) = &self.path else { return true };
        let holds = |path: &str| presence.holds(pattern.is_match(path));
        match self.effect {
            Effect::Allow => holds(canonical),
            Effect::Deny => holds(canonical) || decoded.is_some_and(holds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::NameMatch;
    use Effect::{Allow, Deny};
    use Presence::{Absent, Present};

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

    fn pattern(pattern: &str) -> Pattern {
        Pattern::new(pattern, "").unwrap()
    }

    fn present(name: &'static str) -> HeaderCheck {
        let name = NameMatch::exact(http::HeaderName::from_static(name));
        HeaderCheck { name, value: None, presence: Present }
    }

    #[track_caller]
    fn check(rule: &Rule, method: &str, path: &str, names: &[&'static str], expected: bool) {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.insert(*name, http::HeaderValue::from_static("1"));
        }
        let path = CanonicalPath::parse(path).unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let subject = Subject { method: &method, path: &path, headers: &headers };
        assert_eq!(rule.holds(&subject, path.decoded().as_deref()), expected, "{subject:?}");
    }
}
