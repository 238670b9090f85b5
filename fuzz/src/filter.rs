//! Filters leave the same of a document in one pass as one after the other, while it streams as by a
//! tree, and however it was cut.

use rrfilter::{Chain, Filter, NotFilterable, Operation, Report, apply};
use serde_json::Value;
use serde_json_path::{JsonPath, NormalizedPath, PathElement};

/// The first byte says how many filters there are, each of which takes three: its operation and its
/// paths. Then one says where to cut, and the rest is the document.
///
/// # Panics
/// When any two of those ways differ.
pub fn check(data: &[u8]) {
    let Some((&count, mut rest)) = data.split_first() else { return };
    let mut specs = Vec::new();
    for _ in 0..=count % 4 {
        let Some((spec, after)) = rest.split_first_chunk::<3>() else { return };
        rest = after;
        specs.push(Spec::of(*spec));
    }
    let Some((&cut, document)) = rest.split_first() else { return };
    let filters: Vec<Filter> = specs.iter().map(Spec::filter).collect();
    let whole = streamed(&filters, document, document.len().max(1));
    let cut = streamed(&filters, document, usize::from(cut % 16) + 1);
    assert_eq!(whole.is_ok(), cut.is_ok());
    if let (Ok(whole), Ok(cut)) = (&whole, &cut) {
        assert_eq!(whole, cut);
    }
    let one_by_one = one_by_one(&filters, document);
    assert_eq!(whole.is_ok(), one_by_one.is_ok());
    if let (Ok(whole), Ok(other)) = (&whole, &one_by_one) {
        assert_eq!(whole, other);
    }
    if let ([spec], [filter]) = (specs.as_slice(), filters.as_slice()) {
        by_a_tree(spec, filter, document);
    }
}

type Left = Result<(Vec<u8>, Vec<Report>), NotFilterable>;

fn streamed(filters: &[Filter], document: &[u8], cut: usize) -> Left {
    let mut chain = Chain::new(filters.iter().cloned());
    let mut out = Vec::new();
    for chunk in document.chunks(cut) {
        chain.push(chunk, &mut out)?;
    }
    chain.finish(&mut out)?;
    Ok((out, chain.reports().into_iter().cloned().collect()))
}

fn one_by_one(filters: &[Filter], document: &[u8]) -> Left {
    let mut left = document.to_vec();
    let mut reports = Vec::new();
    for filter in filters {
        let (next, report) = streamed(std::slice::from_ref(filter), &left, left.len().max(1))?;
        left = next;
        reports.extend(report);
    }
    Ok((left, reports))
}

// What another implementation finds in the tree, given as paths to each.
fn by_a_tree(spec: &Spec, filter: &Filter, document: &[u8]) {
    let Ok(ours) = apply([filter], document) else { return };
    let Ok(value) = serde_json::from_slice::<Value>(document) else { return };
    let mut ways = Vec::new();
    for path in spec.paths() {
        let path = JsonPath::parse(path).expect("the table has paths");
        ways.extend(path.query_located(&value).locations().map(spelt));
    }
    let located = Filter::new("flt", spec.operation, ways).expect("a way is a path");
    assert_eq!(apply([&located], document).expect("as before").document, ours.document);
}

// A normalized path, with its names quoted so that what is in them is no part of it.
fn spelt(way: &NormalizedPath<'_>) -> String {
    let selector = |it: &PathElement<'_>| match it {
        PathElement::Name(name) => format!("[{}]", Value::from(*name)),
        PathElement::Index(index) => format!("[{index}]"),
    };
    way.iter().map(selector).fold("$".to_owned(), |path, it| path + &it)
}

struct Spec {
    operation: Operation,
    chosen: [u8; 2],
}

impl Spec {
    fn of([operation, one, other]: [u8; 3]) -> Self {
        let operation = match operation % 3 {
            0 => Operation::Retain,
            1 => Operation::Destroy,
            _ => Operation::Mask,
        };
        Self { operation, chosen: [one, other] }
    }

    fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.chosen.map(|it| PATHS[usize::from(it) % PATHS.len()]).into_iter()
    }

    fn filter(&self) -> Filter {
        Filter::new("flt", self.operation, self.paths()).expect("the table has paths")
    }
}

const PATHS: [&str; 24] = [
    "$.a",
    "$.b",
    "$.a.b",
    "$.a.a",
    "$.b[0]",
    "$[0]",
    "$[1]",
    "$[1:]",
    "$[::2]",
    "$[*]",
    "$.*",
    "$..a",
    "$..b.a",
    "$..[0]",
    "$.a..*",
    "$['a','b']",
    "$[0,2].a",
    "$[*].a",
    "$.a[*].b",
    "$..a..b",
    "$[-1]",
    "$[?@.a]",
    "$..[?@.a == 1]",
    "$.a[?@ > 0]",
];
