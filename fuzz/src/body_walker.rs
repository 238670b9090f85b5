//! Whatever is sent as a body: checks find in it what a reader of trees finds, and in what is no
//! JSON nothing that contradicts itself.

#[path = "body_tree.rs"]
mod body_tree;

use std::io::Write;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use regex::Regex;
use rrrules::{
    BodyCheck, CanonicalPath, Effect, Explanation, Pattern, Presence, Rule, RuleOutcome, RuleSet,
    Subject,
};

use body_tree::{Document, Found, document, find};

/// The first byte is what the body is called, the second what is asked of it, the third the query
/// of the URL; the rest is the body.
///
/// # Panics
/// When the checks do not find what is there.
pub fn check(data: &[u8]) {
    let [called, asked, query, body @ ..] = data else { return };
    let asked = place(*asked, &*ASKED);
    let sent = Sent::new(*called, *place(*query, &QUERIES), body);
    // A build without GraphQL refuses rules on it.
    let Some(set) = &asked.set else { return };
    let explanation = sent.explain(set);
    let verdict = &explanation.verdict;
    if *called & DECIDES > 0 {
        assert_eq!(set.decide(&sent.subject()), *verdict);
    }
    let is_inspected = verdict.not_inspectable.is_none();
    for rule in &explanation.rules {
        assert_eq!(rule.outcome != RuleOutcome::NotInspectable, is_inspected);
    }
    if is_inspected {
        asked.do_not_contradict(&explanation);
    } else {
        assert_eq!((verdict.effect, verdict.matched.len()), (Effect::Deny, 0));
    }
    match if sent.is_json && !asked.is_for_graphql { document(body) } else { None } {
        Some(Document::Ambiguous) => assert!(!is_inspected),
        Some(Document::One(tree)) => {
            asked.agree(&explanation, |path, value| find(&tree, path, value));
        }
        Some(Document::Nothing) => asked.agree(&explanation, |_, _| vec![NOTHING]),
        None => {}
    }
}

/// What is asked of a body: each check in four rules, in this order: whether it is present, to allow
/// and to deny, and whether it is absent, to allow and to deny.
struct Asked {
    checks: Vec<(Regex, Option<Regex>)>,
    set: Option<RuleSet>,
    is_for_graphql: bool,
}

impl Asked {
    fn new(checks: &[(&str, &str)]) -> Self {
        let mut rules = Vec::new();
        for (path, value) in checks {
            let path = pattern(path);
            let value = (*value != ANY).then(|| pattern(value));
            for presence in [Presence::Present, Presence::Absent] {
                let check = BodyCheck { path: path.clone(), value: value.clone(), presence };
                for effect in [Effect::Allow, Effect::Deny] {
                    rules.push(Rule::new(rules.len().to_string(), effect).body(check.clone()));
                }
            }
        }
        let regex = |it: &str| Regex::new(it).expect("the patterns below are good");
        let compiled =
            checks.iter().map(|(path, value)| (regex(path), (*value != ANY).then(|| regex(value))));
        Self {
            checks: compiled.collect(),
            set: RuleSet::new(rules, Effect::Allow).ok(),
            is_for_graphql: checks.iter().any(|(path, _)| path.contains("graphql")),
        }
    }

    // What an `Allow` finds or misses for sure, a `Deny` does too; and it always does one of them.
    fn do_not_contradict(&self, explanation: &Explanation) {
        for (four, check) in four_by_four(explanation).zip(&self.checks) {
            let [allow_present, deny_present, allow_absent, deny_absent] = four;
            assert!(deny_present || !allow_present, "{check:?}");
            assert!(deny_absent || !allow_absent, "{check:?}");
            assert!(deny_present || deny_absent, "{check:?}");
        }
    }

    // Of several calls, one that fits is enough.
    fn agree(
        &self,
        explanation: &Explanation,
        find: impl Fn(&Regex, Option<&Regex>) -> Vec<Found>,
    ) {
        assert_eq!(explanation.verdict.not_inspectable, None);
        for (four, check) in four_by_four(explanation).zip(&self.checks) {
            let found = find(&check.0, check.1.as_ref());
            let some = |fits: fn(&Found) -> bool| found.iter().any(fits);
            let expected = [
                some(|it| it.sure),
                some(|it| it.possible || it.in_whole),
                some(|it| !it.possible),
                some(|it| !it.sure),
            ];
            assert_eq!(four, expected, "{check:?}");
        }
    }
}

fn four_by_four(explanation: &Explanation) -> impl Iterator<Item = [bool; 4]> {
    let fours = explanation.rules.chunks_exact(4).filter_map(<[_]>::first_chunk::<4>);
    fours.map(|four| four.each_ref().map(|it| it.outcome == RuleOutcome::Fits))
}

struct Sent {
    path: CanonicalPath,
    query: Option<&'static str>,
    headers: HeaderMap,
    body: Bytes,
    is_json: bool,
}

impl Sent {
    fn new(called: u8, query: Option<&'static str>, body: &[u8]) -> Self {
        let mut headers = HeaderMap::new();
        let (media, is_json) = *place(called & 7, &MEDIA);
        if let Some(media) = media {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        }
        let coding = *place(called >> 4, &CODINGS);
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        // Under this name, what is there is compressed as it should be.
        let body = if coding == Some(GZIP) { gzip(body) } else { Bytes::copy_from_slice(body) };
        let is_json = is_json && coding.is_none_or(|it| it == GZIP || it == "identity");
        let path = CanonicalPath::parse("/").expect("this is a path");
        Self { path, query, headers, body, is_json }
    }

    fn explain(&self, set: &RuleSet) -> Explanation {
        set.explain(&self.subject())
    }

    fn subject(&self) -> Subject<'_> {
        let Self { path, query, headers, body, .. } = self;
        Subject { method: &Method::POST, path, query: *query, headers, body }
    }
}

fn gzip(body: &[u8]) -> Bytes {
    if body.is_empty() {
        return Bytes::new();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(body).expect("a vector takes what is written");
    encoder.finish().expect("a vector takes what is written").into()
}

fn pattern(pattern: &str) -> Pattern {
    Pattern::new(pattern, "").expect("the patterns below are good")
}

fn place<T>(byte: u8, table: &[T]) -> &T {
    &table[usize::from(byte) % table.len()]
}

const NOTHING: Found = Found { possible: false, sure: false, in_whole: false };

// The bit that asks for the verdict alone, too.
const DECIDES: u8 = 8;
// Whether it is read as JSON.
const MEDIA: [(Option<&str>, bool); 8] = [
    (None, true),
    (Some("application/json"), true),
    (Some("application/json; charset=utf-8"), true),
    (Some("multipart/form-data; boundary=a"), true),
    (Some("application/x-www-form-urlencoded"), false),
    (Some("application/graphql"), false),
    (Some("application/json; charset=utf-16"), false),
    (Some("text/plain, application/json"), false),
];
const GZIP: &str = "gzip";
// Several times without one: with one, few bytes are a body at all.
const CODINGS: [Option<&str>; 16] = [
    None,
    Some(GZIP),
    Some("x-gzip"),
    Some("deflate"),
    Some("br"),
    Some("zstd"),
    Some("gzip, br"),
    Some("identity"),
    None,
    None,
    None,
    None,
    None,
    None,
    None,
    None,
];
const QUERIES: [Option<&str>; 6] = [
    None,
    Some("a=1"),
    Some("query={a}&operationName=b"),
    Some("id=a"),
    Some("a=%zz"),
    Some("extensions=%7B%22persistedQuery%22:1}"),
];
// In place of a value: whatever it is.
const ANY: &str = "*";
// The values tell numbers apart only by what is in them however they are written.
static ASKED: LazyLock<[Asked; 5]> = LazyLock::new(|| {
    [
        // What most members can be passed over for.
        Asked::new(&[("^a$", ANY), ("^a\\.b$", "^1$"), ("^role$", "^a"), ("^0\\.a\\.", "")]),
        // Nothing can be passed over.
        Asked::new(&[
            ("", ANY),
            (".*", "a"),
            ("^$", ANY),
            ("^$", "^1$"),
            ("b$", "^$"),
            ("[^.]*\\.a", "null"),
            ("(?i)ROLE", "\\d"),
            ("(?m)^a$", ANY),
            ("^é", "é"),
            ("\\.1$", "^true$"),
            ("^params\\.name$", "^(a|b)$"),
            ("^(a|b)(\\.\\d)*$", "\""),
        ]),
        // Paths that no automaton can follow.
        Asked::new(&[("\\ba\\b", ANY), ("^\\w+\\b\\.b", "^1$"), ("^a$", "a"), ("\\B", "")]),
        // More paths than one automaton follows.
        Asked::new(&MANY.map(|it| (it, ANY))),
        Asked::new(&[
            ("^graphql\\.operationType$", "^mutation$"),
            ("^graphql\\.fields\\.", "^a"),
            ("\\bgraphql\\b", ANY),
            ("^graphql\\.operationName$", ""),
            ("^a$", ANY),
        ]),
    ]
});
const MANY: [&str; 36] = [
    "^a$", "^b$", "^c$", "^d$", "^e$", "^f$", "^g$", "^h$", "^i$", "^j$", "^k$", "^l$", "a", "b",
    "c", "d", "e", "f", "a$", "b$", "c$", "d$", "e$", "f$", "^a", "^b", "^c", "^d", "^e", "^f",
    "a\\.b", "b\\.a", "0", "1", "\\.0", "\\.1",
];
