//! What a byte costs: the scanner by itself, and filters, beside a parser that makes a tree.
//!
//! `cargo bench -p rrfilter --bench filter`. What must hold is in CONTRIBUTING.

#![expect(clippy::unwrap_used, reason = "a measurement may panic")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rrcore::json::{Event, Limits, Scanner, Sink};
use rrfilter::{Filter, Operation, apply};
use simd_json::OwnedValue;
use simd_json::prelude::{ValueAsMutArray, ValueAsMutObject, Writable};

fn scanning(c: &mut Criterion) {
    let mut group = c.benchmark_group("json/one_value");
    for (name, document) in
        [("compact", customers(1 << 20)), ("pretty", pretty(1 << 20)), ("text", chat(1 << 20))]
    {
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(name, |b| b.iter(|| one_value(document.as_bytes())));
    }
    group.finish();
}

fn one_value(document: &[u8]) -> u64 {
    let mut sink = OneValue::default();
    let mut scanner = Scanner::new(Limits::default());
    scanner.push(black_box(document), &mut sink).unwrap();
    scanner.finish(&mut sink).unwrap();
    sink.found
}

/// Counts what is at `$.usage`.
#[derive(Default)]
struct OneValue {
    depth: usize,
    is_next: bool,
    found: u64,
}

impl Sink for OneValue {
    fn event(&mut self, event: Event<'_>, _: usize) {
        match event {
            Event::BeginObject | Event::BeginArray => self.depth += 1,
            Event::EndObject | Event::EndArray => self.depth -= 1,
            Event::Key { name, .. } => self.is_next = self.depth == 1 && name == b"usage",
            Event::Scalar { raw, .. } if self.is_next => self.found += raw.len() as u64,
            Event::Scalar { .. } | Event::Space(_) | Event::Comma | Event::Colon => {}
        }
    }

    // What it looks for is a member of the root.
    fn skips(&mut self) -> bool {
        self.depth > 1
    }

    fn skipped(&mut self, _: &[u8], _: usize, is_over: bool) {
        self.depth -= usize::from(is_over);
    }
}

fn filtering(c: &mut Criterion) {
    for (size, bytes) in [("ten_kib", 10 << 10), ("one_mib", 1 << 20)] {
        let mut group = c.benchmark_group(format!("filter/{size}"));
        let document = customers(bytes);
        group.throughput(Throughput::Bytes(document.len() as u64));
        let filters = [
            ("destroy", vec![Filter::new("a", Operation::Destroy, ["$[*].taxNumber"])]),
            ("destroy_deep", vec![Filter::new("a", Operation::Destroy, ["$..internalMargin"])]),
            ("mask", vec![Filter::new("a", Operation::Mask, ["$[*].name", "$[*].taxNumber"])]),
            ("retain", vec![Filter::new("a", Operation::Retain, ["$[*].id", "$[*].orders"])]),
            ("two", stages().into_iter().take(2).map(Ok).collect()),
            (
                "two_deep",
                vec![
                    Filter::new("a", Operation::Destroy, ["$..internalMargin", "$..taxNumber"]),
                    Filter::new("b", Operation::Mask, ["$..sku"]),
                ],
            ),
            ("four", stages().into_iter().map(Ok).collect()),
        ];
        for (name, filters) in filters {
            let filters: Vec<_> = filters.into_iter().map(Result::unwrap).collect();
            let run = || apply(&filters, black_box(document.as_bytes())).unwrap().document.len();
            group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(run));
        }
        group.bench_function("destroy_by_simd_json", |b| b.iter(|| by_simd_json(&document)));
        group.bench_function("four_by_simd_json", |b| b.iter(|| four_by_simd_json(&document)));
        group.bench_function("destroy_by_serde_json", |b| b.iter(|| by_serde_json(&document)));
        group.finish();
    }
}

fn stages() -> Vec<Filter> {
    let filter = |operation, paths: &[&str]| Filter::new("stage", operation, paths).unwrap();
    vec![
        filter(Operation::Retain, &["$[*].id", "$[*].orders"]),
        filter(Operation::Destroy, &["$[*].orders[*].internalMargin"]),
        filter(Operation::Mask, &["$[*].orders[*].sku"]),
        filter(Operation::Destroy, &["$..cost"]),
    ]
}

fn by_simd_json(document: &str) -> usize {
    let mut bytes = black_box(document).as_bytes().to_vec();
    let mut value: OwnedValue = simd_json::to_owned_value(&mut bytes).unwrap();
    for customer in value.as_array_mut().unwrap().iter_mut() {
        customer.as_object_mut().unwrap().remove("taxNumber");
    }
    value.encode().len()
}

// What `stages` do.
fn four_by_simd_json(document: &str) -> usize {
    let mut bytes = black_box(document).as_bytes().to_vec();
    let mut value: OwnedValue = simd_json::to_owned_value(&mut bytes).unwrap();
    for customer in value.as_array_mut().unwrap().iter_mut() {
        let customer = customer.as_object_mut().unwrap();
        customer.retain(|name, _| matches!(name.as_str(), "id" | "orders"));
        for order in customer.get_mut("orders").unwrap().as_array_mut().unwrap().iter_mut() {
            let order = order.as_object_mut().unwrap();
            order.remove("internalMargin");
            order.remove("cost");
            if let Some(sku) = order.get_mut("sku") {
                *sku = "***".into();
            }
        }
    }
    value.encode().len()
}

fn by_serde_json(document: &str) -> usize {
    let mut value: serde_json::Value = serde_json::from_str(black_box(document)).unwrap();
    for customer in value.as_array_mut().unwrap() {
        customer.as_object_mut().unwrap().remove("taxNumber");
    }
    serde_json::to_vec(&value).unwrap().len()
}

fn customers(bytes: usize) -> String {
    let mut text = "[".to_owned();
    for id in 0.. {
        text += &format!(
            r#"{{"id":{id},"name":"Ada Lovelace","taxNumber":"QQ 12 34 56 C","orders":[{{"sku":"engine-{id}","price":100.00,"internalMargin":0.42}}]}}"#
        );
        if text.len() + 1 >= bytes {
            break;
        }
        text.push(',');
    }
    text + "]"
}

fn pretty(bytes: usize) -> String {
    let value: serde_json::Value = serde_json::from_str(&customers(bytes / 2)).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

/// An answer of a model: mostly text, with escapes.
fn chat(bytes: usize) -> String {
    let line = "The engine weaves algebraic patterns, \\\"as the loom weaves flowers\\\".\\n";
    let mut text = r#"{"id":"chatcmpl-1","choices":["#.to_owned();
    while text.len() < bytes {
        let content = line.repeat(20);
        text +=
            &format!(r#"{{"index":0,"message":{{"role":"assistant","content":"{content}"}}}},"#);
    }
    text.pop();
    text + r#"],"usage":{"total_tokens":42}}"#
}

criterion_group!(benches, scanning, filtering);
criterion_main!(benches);
