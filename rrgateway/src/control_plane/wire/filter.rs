//! A filter: what of a JSON response is kept, taken out, or covered.

use std::sync::Arc;

use bytes::Bytes;
use rrfilter::{Asked, Filter as Compiled, Mode as Done, Operation as Does, Side};
use rrrules::{CanonicalPath, Effect, Presence, Rule, RuleSet, Subject};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Fields, Flaw, Node};
use crate::control_plane::wire::methods::Methods;
use crate::control_plane::wire::pattern::{Flags, Pattern};
use crate::control_plane::wire::patterns::Patterns;
use crate::control_plane::wire::rule::Mode;

/// As it is stored and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Filter {
    pub(crate) operation: Operation,
    /// JSONPath (RFC 9535).
    pub(crate) paths: Vec<String>,
    /// What covers what the paths match; only ever with [`Operation::Mask`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) with: Option<String>,
    #[serde(default)]
    pub(crate) methods: Option<Methods>,
    /// Found in the canonical path.
    #[serde(default)]
    pub(crate) path: Option<Pattern>,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) on: Message,
    /// Whether it applies to each record of a stream of them.
    #[serde(default)]
    pub(crate) streaming: bool,
    /// Whether it applies to responses of every status.
    #[serde(default)]
    pub(crate) apply_to_errors: bool,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    Request,
    #[default]
    Response,
}

/// What is done to what the paths match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    Retain,
    Destroy,
    Mask,
}

impl Filter {
    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let operation = fields.required("operation", |it| it.word(&Operation::WORDS));
        let paths = fields.required("paths", |it| {
            if it.is_empty_list() {
                return it.flaw("name a path");
            }
            it.list(MOST_PATHS, |it| it.text(1..=LONGEST_PATH))
        });
        let is_mask = operation == Some(Operation::Mask);
        let with = fields.optional("with", |it| match is_mask {
            true => it.text(0..=LONGEST_MASK),
            false => it.flaw("only a mask is made with something"),
        });
        let with = with.map(|it| it.or_else(|| is_mask.then(|| MASK.to_owned())));
        let methods = fields.optional("methods", Methods::read);
        let path = fields.optional("path", |it| Pattern::read(it, &Flags::default()));
        let mode = fields.or("mode", Mode::Enforce, |it| it.word(&Mode::WORDS));
        let on = fields.or("on", Message::Response, |it| it.word(&Message::WORDS));
        let is_request = on == Some(Message::Request);
        let streaming = of_responses("streaming", &mut fields, is_request);
        let apply_to_errors = of_responses("applyToErrors", &mut fields, is_request);
        fields.close();
        Some(Self {
            operation: operation?,
            paths: paths?,
            with: with?,
            methods: methods?,
            path: path?,
            mode: mode?,
            on: on?,
            streaming: streaming?,
            apply_to_errors: apply_to_errors?,
        })
    }

    /// The filter that works on messages, of `patterns`.
    pub(crate) fn compiled(&self, id: &str, patterns: &Patterns) -> Result<Compiled, Flaw> {
        let operation = match self.operation {
            Operation::Retain => Does::Retain,
            Operation::Destroy => Does::Destroy,
            Operation::Mask => Does::Mask,
        };
        let compiled = Compiled::new(id, operation, &self.paths).map_err(|it| {
            let detail = format!("at {}: {}", it.offset, it.why);
            Flaw::new(format!("/paths/{}", it.index), detail)
        })?;
        let mut compiled = compiled
            .mode(match self.mode {
                Mode::Enforce => Done::Enforce,
                Mode::Shadow => Done::Shadow,
            })
            .on(match self.on {
                Message::Request => Side::Request,
                Message::Response => Side::Response,
            })
            .streaming(self.streaming)
            .apply_to_errors(self.apply_to_errors);
        if let Some(text) = &self.with {
            compiled = compiled.with(text);
        }
        if let Some(methods) = &self.methods {
            compiled = compiled.methods(methods.iter().cloned());
        }
        match self.found_in(patterns)? {
            Some(paths) => Ok(compiled.when(move |asked| is_found(&paths, asked))),
            None => Ok(compiled),
        }
    }

    // One rule, that denies: of a path with several readings, one is enough.
    fn found_in(&self, patterns: &Patterns) -> Result<Option<Arc<RuleSet>>, Flaw> {
        let Some(pattern) = &self.path else { return Ok(None) };
        let flaw = |why: String| Flaw::new("/path", why);
        let pattern = pattern.compiled(patterns).map_err(|it| flaw(it.to_string()))?;
        let rule = Rule::new("path", Effect::Deny).path(pattern, Presence::Present);
        let rules = RuleSet::new(vec![rule], Effect::Allow).map_err(|it| flaw(it.to_string()))?;
        Ok(Some(Arc::new(rules)))
    }
}

// What nobody can tell is filtered.
fn is_found(paths: &RuleSet, asked: &Asked<'_>) -> bool {
    let Some(path) = asked.extensions.get::<CanonicalPath>() else { return true };
    let subject = Subject {
        method: asked.method,
        path,
        query: asked.uri.query(),
        headers: asked.headers,
        body: &Bytes::new(),
    };
    paths.decide(&subject).effect == Effect::Deny
}

fn of_responses(name: &'static str, fields: &mut Fields<'_>, is_request: bool) -> Option<bool> {
    let given = fields.or(name, false, Node::boolean);
    if is_request && given == Some(true) {
        return fields.flaw(name, "only responses have this");
    }
    given
}

impl Message {
    const WORDS: [(&'static str, Self); 2] =
        [("request", Self::Request), ("response", Self::Response)];
}

impl Operation {
    const WORDS: [(&'static str, Self); 3] =
        [("retain", Self::Retain), ("destroy", Self::Destroy), ("mask", Self::Mask)];
}

const MASK: &str = "***";
const LONGEST_MASK: usize = 256;
const MOST_PATHS: usize = 1_000;
const LONGEST_PATH: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn what_is_answered_is_what_was_written() {
        for (sent, with) in [
            (r#"{"operation":"retain","paths":["$.a"]}"#, None),
            (r#"{"operation":"destroy","paths":["$..a","$['b','c']"],"with":null}"#, None),
            (r#"{"operation":"mask","paths":["$.a"]}"#, Some("***")),
            (r#"{"operation":"mask","paths":["$.a"],"with":""}"#, Some("")),
            (
                r#"{"operation":"retain","paths":["$.a"],"methods":["GET"],"path":"^/users/",
                    "mode":"shadow","on":"response","streaming":true,"applyToErrors":true}"#,
                None,
            ),
            (r#"{"operation":"destroy","paths":["$.a"],"on":"request"}"#, None),
        ] {
            let filter = read(sent).unwrap();
            assert_eq!(filter.with.as_deref(), with, "{sent}");
            let stored = serde_json::to_string(&filter).unwrap();
            assert_eq!(serde_json::from_str::<Filter>(&stored).unwrap(), filter);
            assert!(filter.compiled("flt_1", &Patterns::default()).is_ok(), "{sent}");
        }
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check(
            r#"{"operation":"retain","paths":["$.a"],"with":"x"}"#,
            "/with: only a mask is made with something",
        );
        check(
            r#"{"operation":"hide","paths":[]}"#,
            "/operation: expected \"retain\" or \"destroy\" or \"mask\"/paths: name a path",
        );
        check(
            r#"{"operation":"mask","paths":["$.a"],"on":"request","applyToErrors":true}"#,
            "/applyToErrors: only responses have this",
        );
        check(
            r#"{"operation":"mask","paths":["$.a"],"methods":["get"],"mode":"x"}"#,
            "/methods/0: methods are case-sensitive: write GET\
             /mode: expected \"enforce\" or \"shadow\"",
        );
        let filter = read(r#"{"operation":"mask","paths":["$.a","$.b["]}"#).unwrap();
        let flaw = filter.compiled("", &Patterns::default()).unwrap_err();
        assert_eq!(flaw.pointer, "/paths/1");
    }

    #[test]
    fn a_filter_applies_where_any_reading_of_the_path_has_its_pattern() {
        let filter =
            read(r#"{"operation":"mask","paths":["$.a"],"path":"^/users/","methods":["GET"]}"#);
        let filter = filter.unwrap().compiled("flt_1", &Patterns::default()).unwrap();
        let keeping = rrrules::PathOptions::strict().encoded_slash(rrrules::EncodedSlash::Keep);
        for (method, path, applies) in [
            ("GET", Some("/users/7"), true),
            ("HEAD", Some("/users/7"), true),
            ("POST", Some("/users/7"), false),
            ("GET", Some("/user/7"), false),
            ("GET", Some("/users%2F7"), true),
            ("GET", None, true),
        ] {
            let mut request = http::Request::builder().method(method).body(()).unwrap();
            if let Some(path) = path {
                let path = CanonicalPath::parse_with(path, keeping).unwrap();
                request.extensions_mut().insert(path);
            }
            assert_eq!(filter.applies(&Asked::of(&request)), applies, "{method} {path:?}");
        }
    }

    #[track_caller]
    fn check(document: &str, expected: &str) {
        assert_eq!(read(document).unwrap_err(), expected);
    }

    fn read(document: &str) -> Result<Filter, String> {
        let json = Json::parse(document.as_bytes()).unwrap();
        Flaws::read(json, Filter::read)
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
