//! The engine against the same thing written the slow and obvious way, and that cuts do not matter.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rrcore::json::{Query, Selector, Step};
use serde_json::{Map, Value};

use super::stage::Stage;
use super::{Engine, ROOM};
use crate::filter::{Filter, Operation};
use crate::report::Report;

#[test]
fn what_is_not_decided_yet_is_all_that_is_held() {
    let filter = Filter::new("flt", Operation::Retain, ["$.a.b", "$.big"]).unwrap();
    let (mut engine, mut out) = (Engine::new([filter], 0), Vec::new());
    engine.push(br#"{"x":0,"a":{"c":[1,"#, &mut out).unwrap();
    assert_eq!(out, b"{", "`a` stays only if it has a `b`");
    engine.push(br#"2],"b":"tr"#, &mut out).unwrap();
    assert_eq!(out, br#"{"a":{"b":"tr"#, "a match leaves as it comes");
    engine.push(br#"ue"},"big":12"#, &mut out).unwrap();
    assert_eq!(out, br#"{"a":{"b":"true"},"big":12"#);
}

#[test]
fn what_is_masked_is_masked_before_it_ends() {
    let filter = Filter::new("flt", Operation::Mask, ["$..a"]).unwrap();
    let (mut engine, mut out) = (Engine::new([filter], 0), Vec::new());
    engine.push(br#"{"b":[{"a":{"a":"tr"#, &mut out).unwrap();
    assert_eq!(out, br#"{"b":[{"a":"***""#);
    engine.push(br#"ue"#, &mut out).unwrap();
    assert_eq!(out, br#"{"b":[{"a":"***""#);
}

#[test]
fn members_of_one_name_are_told_apart_by_where_they_are() {
    let filter = Filter::new("flt", Operation::Destroy, ["$[0].a", "$[1].b", "$[2].c.a"]).unwrap();
    let row = r#"{"a":1,"b":2,"c":{"a":3,"b":4}}"#;
    let rows = format!("[{row},{row},{row},{row}]");
    let left = [
        r#"{"b":2,"c":{"a":3,"b":4}}"#,
        r#"{"a":1,"c":{"a":3,"b":4}}"#,
        r#"{"a":1,"b":2,"c":{"b":4}}"#,
        row,
    ];
    assert_eq!(run(&filter, [rows.as_bytes()]), Some(format!("[{}]", left.join(","))));
}

#[test]
fn memory_grows_with_the_depth_and_not_with_the_document() {
    let filter = Filter::new("flt", Operation::Retain, ["$..a..b[0]", "$..[1,2].c"]).unwrap();
    let (mut engine, mut out) = (Engine::new([filter], 0), Vec::new());
    let row = [br#"{"x":[{"a":[{"b":[]}]},"#, &br#"["text",{"c":{}}],null,7]},"#[..]].concat();
    let (mut held, mut nodes) = (BTreeSet::new(), BTreeSet::new());
    engine.push(b"[", &mut out).unwrap();
    for _ in 0..1_000 {
        engine.push(&row, &mut out).unwrap();
        out.clear();
        held.insert(engine.undecided.capacity());
        nodes.insert(engine.filtering.capacity());
    }
    assert!(held.last() <= Some(&row.len()), "{held:?}");
    assert!(nodes.last() <= Some(&64), "{nodes:?}");
}

#[test]
fn what_is_learnt_of_a_document_is_limited() {
    let paths = (0..900).map(|it| format!("$[*].n{it}.x.y[0,2]"));
    let filter = Filter::new("flt", Operation::Destroy, paths).unwrap();
    let (mut engine, mut out) = (Engine::new([filter], 0), Vec::new());
    let rows: Vec<_> =
        (0..900).map(|it| format!(r#"{{"n{it}":{{"x":{{"y":[1,2,3]}}}}}}"#)).collect();
    for _ in 0..2 {
        engine.push(format!("[{}]", rows.join(",")).as_bytes(), &mut out).unwrap();
        engine.finish(&mut out).unwrap();
    }
    assert_eq!(engine.reports().map(|it| it.removed).sum::<u64>(), 2 * 2 * 900);
    let learnt = engine.filtering.learnt();
    assert!((100..=ROOM / 40).contains(&learnt), "{learnt} states");
}

proptest! {
    #[test]
    fn filters_do_what_they_would_do_to_a_tree(
        document in documents(),
        operation in operations(),
        paths in prop::collection::vec(paths(), 0..4),
    ) {
        let filter = Filter::new("flt", operation, &paths).unwrap();
        let queries = paths.iter().map(|it| it.parse().unwrap());
        let tree = Tree { found: queries.flat_map(|it| found(&it, &document)).collect() };
        let expected = match operation {
            Operation::Retain => tree.retained(&document, &mut Vec::new()),
            Operation::Destroy => tree.remaining(&document, &mut Vec::new(), None),
            Operation::Mask => tree.remaining(&document, &mut Vec::new(), Some("***")),
        };
        let text = document.to_string();
        let left = run(&filter, [text.as_bytes()]).map(|it| serde_json::from_str(&it).unwrap());
        prop_assert_eq!(left, expected, "{:?} {:?} of {}", operation, paths, text);
    }

    #[test]
    fn cuts_change_nothing(
        document in documents(),
        operation in operations(),
        paths in prop::collection::vec(paths(), 0..4),
    ) {
        let filter = Filter::new("flt", operation, &paths).unwrap();
        let text = serde_json::to_string_pretty(&document).unwrap();
        let whole = run(&filter, [text.as_bytes()]);
        prop_assert_eq!(&run(&filter, text.as_bytes().chunks(1)), &whole);
        for cut in 0..text.len() {
            let (first, second) = text.as_bytes().split_at(cut);
            prop_assert_eq!(&run(&filter, [first, second]), &whole, "cut at {}", cut);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn filters_in_one_pass_do_what_they_do_one_after_the_other(
        document in documents(),
        filters in prop::collection::vec(
            (operations(), prop::collection::vec(paths(), 0..3)), 0..5
        ),
        pretty in any::<bool>(),
        cut in 1..40_usize,
        room in 0..600_usize,
    ) {
        let compile = |(operation, paths): &(Operation, Vec<String>)| {
            Filter::new("flt", *operation, paths).unwrap()
        };
        let compiled: Vec<Filter> = filters.iter().map(compile).collect();
        let write = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
        let text = write(&document).unwrap();
        let expected = one_by_one(&compiled, &text);
        let whole = together(&compiled, [text.as_bytes()]);
        prop_assert_eq!(&whole, &expected, "{:?} of {}", filters, text);
        prop_assert_eq!(&together(&compiled, text.as_bytes().chunks(cut)), &expected);
        prop_assert_eq!(&together(&compiled, text.as_bytes().chunks(1)), &expected);
        // However little of what it learns it may remember.
        let mut engine = Engine::with_room(compiled, 0, room);
        for _ in 0..2 {
            prop_assert_eq!(&left(&mut engine, [text.as_bytes()]), &expected, "room for {}", room);
            let stages = engine.filtering.open.stages.iter_mut();
            stages.for_each(|it| it.report = Stage::new(it.filter.clone()).report);
        }
    }
}

type Left = Option<(String, Vec<Report>)>;

fn one_by_one(filters: &[Filter], document: &str) -> Left {
    let mut reports = Vec::new();
    let mut left = document.to_owned();
    for filter in filters {
        let (next, report) = together(std::slice::from_ref(filter), [left.as_bytes()])?;
        reports.extend(report);
        left = next;
    }
    Some((left, reports))
}

fn together<'a>(filters: &[Filter], chunks: impl IntoIterator<Item = &'a [u8]>) -> Left {
    left(&mut Engine::new(filters.iter().cloned(), 0), chunks)
}

fn left<'a>(engine: &mut Engine, chunks: impl IntoIterator<Item = &'a [u8]>) -> Left {
    let mut out = Vec::new();
    for chunk in chunks {
        engine.push(chunk, &mut out).unwrap();
    }
    let is_left = engine.finish(&mut out).unwrap();
    is_left.then(|| (String::from_utf8(out).unwrap(), engine.reports().cloned().collect()))
}

fn operations() -> impl Strategy<Value = Operation> {
    prop::sample::select(vec![Operation::Retain, Operation::Destroy, Operation::Mask])
}

// Few names and short arrays, so that paths find something.
fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(vec![
        Value::Null,
        Value::from("é\"\\"),
        Value::from(-1.5),
        Value::Object(Map::new()),
        Value::Array(Vec::new()),
    ]);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let name = prop::sample::select(vec!["a".to_owned(), "b".to_owned(), "é".to_owned()]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

fn paths() -> impl Strategy<Value = String> {
    let selector = prop::sample::select(vec![
        "'a'", "'b'", "'é'", "0", "1", "*", "0:1", "1:", "::2", "1:9:3", ":2:0",
    ]);
    let selectors = prop::collection::vec(selector, 1..3).prop_map(|it| it.join(", "));
    let step = (prop::bool::weighted(0.3), selectors);
    let step = step.prop_map(|(deep, it)| format!("{}[{it}]", if deep { ".." } else { "" }));
    prop::collection::vec(step, 0..4).prop_map(|it| format!("${}", it.concat()))
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Name(String),
    Index(u64),
}

type Way = Vec<Key>;

// Where the query finds something, by the words of RFC 9535.
fn found(query: &Query, document: &Value) -> BTreeSet<Way> {
    let root = BTreeSet::from([Way::new()]);
    query.steps().iter().fold(root, |ways, step| {
        let starts = ways.iter().map(|it| (it.clone(), at(document, it)));
        let mut next = BTreeSet::new();
        starts.for_each(|(way, value)| select(step, &way, value, &mut next));
        next
    })
}

fn select(step: &Step, way: &Way, value: &Value, next: &mut BTreeSet<Way>) {
    for (key, child) in children(value) {
        let way: Way = way.iter().chain([&key]).cloned().collect();
        if step.deep {
            select(step, &way, child, next);
        }
        if step.selectors.iter().any(|it| fits(it, &key)) {
            next.insert(way);
        }
    }
}

fn fits(selector: &Selector, key: &Key) -> bool {
    match (selector, key) {
        (Selector::Wildcard, _) => true,
        (Selector::Name(name), Key::Name(it)) => **name == *it,
        (Selector::Index(index), Key::Index(it)) => index == it,
        (Selector::Slice(slice), Key::Index(it)) => {
            let end = slice.end.unwrap_or(100).min(100);
            slice.step > 0 && (slice.start..end).step_by(slice.step as usize).any(|at| at == *it)
        }
        (Selector::Name(_), Key::Index(_))
        | (Selector::Index(_) | Selector::Slice(_), Key::Name(_)) => false,
    }
}

fn at<'a>(document: &'a Value, way: &Way) -> &'a Value {
    way.iter().fold(document, |value, key| match key {
        Key::Name(name) => &value[name],
        Key::Index(index) => &value[*index as usize],
    })
}

fn children(value: &Value) -> Vec<(Key, &Value)> {
    match value {
        Value::Array(array) => (0..).map(Key::Index).zip(array).collect(),
        Value::Object(object) => object.iter().map(|it| (Key::Name(it.0.clone()), it.1)).collect(),
        _ => Vec::new(),
    }
}

struct Tree {
    found: BTreeSet<Way>,
}

impl Tree {
    fn retained(&self, value: &Value, way: &mut Way) -> Option<Value> {
        if self.found.contains(way) {
            return Some(value.clone());
        }
        let left = rebuilt(value, way, |child, way| self.retained(child, way));
        let is_empty = children(&left).is_empty();
        let stays = !is_empty || way.is_empty() && (value.is_object() || value.is_array());
        stays.then_some(left)
    }

    fn remaining(&self, value: &Value, way: &mut Way, mask: Option<&str>) -> Option<Value> {
        if self.found.contains(way) {
            return mask.map(Value::from);
        }
        Some(rebuilt(value, way, |child, way| self.remaining(child, way, mask)))
    }
}

// The value with what `keep` makes of its children; a scalar as it is.
fn rebuilt(
    value: &Value,
    way: &mut Way,
    keep: impl Fn(&Value, &mut Way) -> Option<Value>,
) -> Value {
    let kept = children(value).into_iter().filter_map(|(key, child)| {
        way.push(key.clone());
        let kept = keep(child, way);
        way.pop();
        Some((key, kept?))
    });
    match value {
        Value::Array(_) => kept.map(|it| it.1).collect(),
        Value::Object(_) => {
            let named = kept.map(|(key, it)| match key {
                Key::Name(name) => (name, it),
                Key::Index(_) => unreachable!("in an object"),
            });
            Value::Object(named.collect())
        }
        scalar => scalar.clone(),
    }
}

fn run<'a>(filter: &Filter, chunks: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let (mut engine, mut out) = (Engine::new([filter.clone()], 0), Vec::new());
    for chunk in chunks {
        engine.push(chunk, &mut out).unwrap();
    }
    engine.finish(&mut out).unwrap().then_some(())?;
    Some(String::from_utf8(out).unwrap())
}
