//! Each stage's decision, by the clock on the wall.
//!
//! `scripts/bench` runs it and compares.

mod support;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::Method;
use rrrules::CanonicalPath;

use crate::support::{Document, Injecting, Keys, Limits, Rules};

fn limit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limit");
    let mut one = Limits::of(1);
    group.bench_function("one_key", |it| it.iter(|| one.decide()));
    let mut many = Limits::of(100_000);
    group.bench_function("among_100000", |it| it.iter(|| many.decide()));
}

fn auth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("auth");
    let mut few = Keys::among(1_000);
    group.bench_function("among_1000", |it| it.iter(|| few.decide()));
    let mut many = Keys::among(1_000_000);
    group.bench_function("among_1000000", |it| it.iter(|| many.decide()));
}

fn rules(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules");
    let allowed = Rules::asked(Method::GET, "/customers/7/orders");
    group.bench_function("allow", |it| it.iter(|| allowed.decide()));
    let denied = Rules::asked(Method::GET, "/admin/keys");
    group.bench_function("deny", |it| it.iter(|| denied.decide()));
}

fn path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("path");
    for (name, path) in [("plain", "/customers/7/orders"), ("sly", "/x/%2e%2e//%63ustomers/./7")] {
        group.bench_function(name, |it| it.iter(|| CanonicalPath::parse(path)));
    }
}

fn filter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("filter");
    let document = Document::of(10 * 1024);
    group.bench_function("ten_kib", |it| it.iter(|| document.decide()));
}

fn inject(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("inject");
    let mut bearer = Injecting::bearer();
    group.bench_function("bearer", |it| {
        it.iter_batched(Injecting::request, |request| bearer.call(request), BatchSize::SmallInput);
    });
}

criterion_group!(benches, limit, auth, rules, path, filter, inject);
criterion_main!(benches);
