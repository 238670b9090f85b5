//! The same in instructions, which do not depend on what else the machine does.
//!
//! `scripts/bench` runs it and compares. Needs valgrind and `gungraun-runner`.

mod support;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use http::{Method, Request};
use rrrules::CanonicalPath;

use crate::support::stack::{Case, Stack};
use crate::support::{Document, Injecting, Keys, Limits, Rules};

// What comes in goes out again, so that nobody counts its drop.

#[library_benchmark]
#[bench::one_key(Limits::of(1))]
#[bench::among_1000(Limits::of(1_000))]
fn limit(mut limits: Limits) -> (bool, Limits) {
    (black_box(limits.decide()), limits)
}

#[library_benchmark]
#[bench::among_1000(Keys::among(1_000))]
fn auth(mut keys: Keys) -> (bool, Keys) {
    (black_box(keys.decide()), keys)
}

#[library_benchmark]
#[bench::allow(asked("/customers/7/orders"))]
#[bench::deny(asked("/admin/keys"))]
fn rules(rules: Rules) -> (bool, Rules) {
    (black_box(rules.decide()), rules)
}

#[library_benchmark]
#[bench::plain("/customers/7/orders")]
#[bench::sly("/x/%2e%2e//%63ustomers/./7")]
fn path(raw: &str) -> Option<CanonicalPath> {
    black_box(CanonicalPath::parse(black_box(raw)).ok())
}

#[library_benchmark]
#[bench::ten_kib(Document::of(10 * 1024))]
fn filter(document: Document) -> (usize, Document) {
    (black_box(document.decide()), document)
}

#[library_benchmark]
#[bench::bearer(Injecting::bearer(), Injecting::request())]
fn inject(mut injecting: Injecting, request: Request<()>) -> (bool, Injecting) {
    (black_box(injecting.call(request)), injecting)
}

#[library_benchmark]
#[bench::granted(ready(Case::Granted))]
#[bench::unauthorized_401(ready(Case::Unauthorized))]
#[bench::forbidden_403(ready(Case::Forbidden))]
#[bench::limited_429(ready(Case::Limited))]
#[bench::denied_400(ready(Case::Denied))]
fn stack((mut stack, request): (Stack, Request<()>)) -> (bool, Stack) {
    (black_box(stack.call(request).status().is_success()), stack)
}

fn asked(path: &str) -> Rules {
    let rules = Rules::asked(Method::GET, path);
    // Patterns build what they need when they are first asked.
    rules.decide();
    rules
}

fn ready(case: Case) -> (Stack, Request<()>) {
    (Stack::of(case), case.request())
}

library_benchmark_group!(
    name = stages,
    benchmarks = [limit, auth, rules, path, filter, inject, stack]
);
main!(library_benchmark_groups = stages);
