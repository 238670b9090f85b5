//! Measures in turn what is compared, so that what else the machine does meets all of it.
//!
//! Machines change their speed, and are interrupted: of two things that are measured one after the
//! other, the ratio says more of that than of them. Here each goes for a fraction of a millisecond,
//! many times over, and is compared to the first within each round.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// What is measured: `run` calls it so many times, and says how long that took.
pub(crate) struct Case<'a> {
    name: String,
    run: Box<dyn FnMut(u32) -> Duration + 'a>,
    nanos: Vec<f64>,
}

impl<'a> Case<'a> {
    /// What `call` does, over and over.
    pub(crate) fn new<R>(name: impl Into<String>, mut call: impl FnMut() -> R + 'a) -> Self {
        Self::custom(name, move |calls| {
            timed(|| {
                for _ in 0..calls {
                    black_box(call());
                }
            })
        })
    }

    /// `run` measures by itself.
    pub(crate) fn custom(name: impl Into<String>, run: impl FnMut(u32) -> Duration + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run), nanos: Vec::new() }
    }
}

/// All cases in turn, in each round so many calls. Prints nanoseconds a call, of the least disturbed
/// round and of the median one, and how many times the first case that is: the median of the
/// ratios within the rounds.
pub(crate) fn measure(group: &str, rounds: usize, calls: u32, mut cases: Vec<Case<'_>>) {
    for _ in 0..rounds {
        for case in &mut cases {
            let nanos = (case.run)(calls).as_secs_f64() * 1e9 / f64::from(calls);
            case.nanos.push(nanos);
        }
    }
    let first = cases.first().map_or_else(Vec::new, |it| it.nanos.clone());
    println!("{group:<44}{:>8}{:>9}{:>8}", "least", "median", "times");
    for case in &cases {
        let ratios = case.nanos.iter().zip(&first).map(|(it, first)| it / first).collect();
        let (nanos, times) = (sorted(case.nanos.clone()), sorted(ratios));
        let [least, median] = [&nanos[0], &nanos[nanos.len() / 2]];
        let times = times[times.len() / 2];
        println!("  {:<42}{least:>8.1}{median:>9.1}{times:>8.2}", case.name);
    }
}

/// How long that takes.
#[expect(clippy::disallowed_methods, reason = "a bench is about time")]
pub(crate) fn timed(what: impl FnOnce()) -> Duration {
    let start = Instant::now();
    what();
    start.elapsed()
}

fn sorted(mut all: Vec<f64>) -> Vec<f64> {
    all.sort_by(f64::total_cmp);
    all
}
