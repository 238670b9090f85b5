//! All stages over a service that answers at once, by the clock on the wall.
//!
//! `scripts/bench` runs it and compares.

mod support;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

use crate::support::stack::{Case, Stack};

fn stack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stack");
    for (name, case) in Case::ALL {
        let mut stack = Stack::of(case);
        group.bench_function(name, |it| {
            it.iter_batched(
                || case.request(),
                |request| stack.call(request),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, stack);
criterion_main!(benches);
