//! What rules look at, each part of it read when first asked for.

use std::cell::OnceCell;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::header_names::{Mark, Names};
use crate::letters::Letters;
use crate::methods;
use crate::path::CanonicalPath;
use crate::query::{BadEscape, Query};

/// What rules look at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The request method.
    pub method: &'a Method,
    /// The path that the upstream will get.
    pub path: &'a CanonicalPath,
    /// What follows `?`, as it was sent.
    pub query: Option<&'a str>,
    /// All request headers, also those that will be removed on the way.
    pub headers: &'a HeaderMap,
    /// The body, as it was sent: still encoded, where there is a `Content-Encoding`. Empty where
    /// there is none.
    pub body: &'a Bytes,
}

/// What a described request lacks: of a record, nobody knows the values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lacks {
    pub(crate) headers: bool,
    pub(crate) query: bool,
    pub(crate) query_values: bool,
    pub(crate) body: bool,
}

/// A subject, and what had to be decoded of it: once for the rules of all scopes.
pub(crate) struct Reading<'a> {
    subject: Subject<'a>,
    lacks: Lacks,
    paths: OnceCell<Vec<String>>,
    query: OnceCell<Result<Query<'a>, BadEscape>>,
    names: OnceCell<Names>,
    path_letters: OnceCell<Letters>,
    query_marks: OnceCell<u64>,
    method: usize,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(subject: Subject<'a>) -> Self {
        let lacks = Lacks { headers: false, query: false, query_values: false, body: false };
        Self::lacking(subject, lacks)
    }

    /// The reading of a request of which some parts are not known.
    pub(crate) fn lacking(subject: Subject<'a>, lacks: Lacks) -> Self {
        Self {
            method: methods::kind_of(subject.method),
            subject,
            lacks,
            paths: OnceCell::new(),
            query: OnceCell::new(),
            names: OnceCell::new(),
            path_letters: OnceCell::new(),
            query_marks: OnceCell::new(),
        }
    }

    pub(crate) const fn subject(&self) -> &Subject<'a> {
        &self.subject
    }

    pub(crate) const fn lacks(&self) -> Lacks {
        self.lacks
    }

    /// The kind of the method.
    pub(crate) const fn method(&self) -> usize {
        self.method
    }

    /// The path in the other ways that servers may read it.
    pub(crate) fn other_paths(&self) -> &[String] {
        self.paths.get_or_init(|| self.subject.path.other_readings())
    }

    pub(crate) fn query(&self) -> Result<&Query<'a>, BadEscape> {
        let parse = || Query::parse(self.subject.query.unwrap_or_default());
        self.query.get_or_init(parse).as_ref().map_err(|error| *error)
    }

    /// What is in the path.
    pub(crate) fn path_letters(&self) -> Letters {
        *self.path_letters.get_or_init(|| Letters::of(self.subject.path.as_str().as_bytes()))
    }

    /// The marks of the headers' names; all where more may be there, or in other spellings.
    pub(crate) fn header_marks(&self) -> u64 {
        match self.lacks.headers || self.names().have_underscores() {
            true => u64::MAX,
            false => self.names().marks(),
        }
    }

    /// The marks of the query's names, in every reading; all where nobody knows what they are.
    pub(crate) fn query_marks(&self) -> u64 {
        *self.query_marks.get_or_init(|| match self.query() {
            Ok(query) if !self.lacks.query => {
                let names = query.readings().flatten().map(|it| it.name.as_bytes());
                names.fold(0, |all, it| all | Mark::of_text(it).bits())
            }
            Ok(_) | Err(_) => u64::MAX,
        })
    }

    /// What the headers are called.
    pub(crate) fn names(&self) -> Names {
        *self.names.get_or_init(|| Names::of(self.subject.headers))
    }
}

// Queries, headers and bodies carry secrets.
impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("method", self.method)
            .field("path", self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{HeaderCheck, NameMatch};
    use crate::pattern::{Pattern, Presence};
    use crate::query_check::{QueryCheck, QueryName};
    use crate::rule::{Effect, Rule};
    use crate::rule_set::RuleSet;

    #[test]
    fn nothing_is_decoded_or_allocated_for_rules_that_do_not_look_or_fit() {
        check(&[by_method(Effect::Deny), by_path(Effect::Allow), by_header()], (false, false));
    }

    #[test]
    fn each_part_is_decoded_for_rules_that_look_at_it() {
        check(&[by_path(Effect::Deny)], (true, false));
        check(&[by_query()], (false, true));
        check(&[by_query().methods(["PUT"])], (false, false));
    }

    #[test]
    fn what_is_shown_of_a_subject_is_no_secret() {
        let path = CanonicalPath::parse("/a").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "hush".parse().unwrap());
        let body = Bytes::from_static(b"hush");
        let subject = Subject {
            method: &Method::GET,
            path: &path,
            query: Some("key=hush"),
            headers: &headers,
            body: &body,
        };
        assert_eq!(format!("{subject:?}"), r#"Subject { method: GET, path: "/a", .. }"#);
    }

    fn by_method(effect: Effect) -> Rule {
        Rule::new("method", effect).methods(["PUT"])
    }

    fn by_path(effect: Effect) -> Rule {
        Rule::new("path", effect).path(pattern("^/b"), Presence::Present)
    }

    fn by_header() -> Rule {
        let name = NameMatch::pattern("^x_b", "").unwrap();
        let value = Some(pattern("^b"));
        Rule::new("header", Effect::Deny).header(HeaderCheck {
            name,
            value,
            presence: Presence::Present,
        })
    }

    fn by_query() -> Rule {
        let check =
            QueryCheck { name: QueryName::exact("b"), value: None, presence: Presence::Present };
        Rule::new("query", Effect::Deny).query(check)
    }

    fn pattern(pattern: &str) -> Pattern {
        Pattern::new(pattern, "").unwrap()
    }

    // None of the rules fits; `decoded` is whether they had the path and the query decoded.
    #[track_caller]
    fn check(rules: &[Rule], decoded: (bool, bool)) {
        let path = CanonicalPath::parse("/%3a").unwrap();
        let headers = HeaderMap::from_iter([("x-a".parse().unwrap(), "a".parse().unwrap())]);
        let subject = Subject {
            method: &Method::GET,
            path: &path,
            query: Some("a=%3a"),
            headers: &headers,
            body: &Bytes::new(),
        };
        let reading = Reading::new(subject);
        let set = RuleSet::new(rules.to_vec(), Effect::Allow).unwrap();
        let head = set.head(&reading);
        assert_eq!((reading.paths.get().is_some(), reading.query.get().is_some()), decoded);
        assert!(head.is_empty());
    }
}
